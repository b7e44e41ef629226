using System.CommandLine;
using System.Globalization;
using Gatehouse.Maker.Keys;
using Gatehouse.Maker.Repository;

namespace Gatehouse.Maker.Commands;

/// <summary>The options that every command knows, and how a command runs: its own errors become one sentence and exit code 1.</summary>
internal static class MakerCommand
{
    public static readonly Option<string> RepositoryOption = new("--repository", "-r") { Description = "The maker's working folder.", DefaultValueFactory = _ => ".", Recursive = true };

    public static readonly Option<bool> JsonOption = new("--json") { Description = "Say the result as JSON.", Recursive = true };

    public static readonly Option<string[]> PassphraseFileOption = new("--passphrase-file")
    {
        Description = "A file with a passphrase, instead of typing it. May be given once per holder.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [], Recursive = true,
    };

    public static readonly Option<string?> NowOption = new("--now") { Description = "Pretend that it is this moment (2026-11-23T12:00:00Z). For labs and CI.", Recursive = true };

    public static readonly Option<bool> LightKeysOption = new("--light-keys") { Description = "Seal new keys so that guessing their passphrases is cheap. For labs and CI only.", Recursive = true };

    public static void Run(this Command command, Action<ParseResult, Output> action) => command.SetAction(parsed =>
    {
        var output = new Output(parsed.InvocationConfiguration.Output, parsed.GetValue(JsonOption));
        try
        {
            action(parsed, output);
            output.Finish();
            return 0;
        }
        catch (Exception failure) when (failure is MakerException or IOException or UnauthorizedAccessException or Trust.TrustException or FormatException)
        {
            if (output.AsJson)
            {
                output.Set("error", failure.Message);
                output.Finish();
            }

            parsed.InvocationConfiguration.Error.WriteLine("gatehouse-maker: " + failure.Message);
            return 1;
        }
    });

    public static MakerRepository OpenRepository(this ParseResult parsed) => MakerRepository.Open(parsed.GetValue(RepositoryOption)!, parsed.Clock());

    public static Passphrases Passphrases(this ParseResult parsed) => new(parsed.GetValue(PassphraseFileOption)!, parsed.GetValue(LightKeysOption));

    public static TimeProvider Clock(this ParseResult parsed)
    {
        if (parsed.GetValue(NowOption) is not { } text) return TimeProvider.System;

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var now)
            ? new FixedTime(now)
            : throw new MakerException($"--now {text} is not a moment like 2026-11-23T12:00:00Z.");
    }
}
