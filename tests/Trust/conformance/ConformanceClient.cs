using Gatehouse.Trust;

namespace Gatehouse.Tests.Trust.Conformance;

/// <summary>
/// The command line that the public TUF conformance suite drives. Decides nothing: it calls <see cref="TufRepository"/>, as Mend does, and
/// turns every failure into exit code 1.
/// </summary>
internal static class ConformanceClient
{
    private const string Usage = """
        usage: client --metadata-dir D init ROOT
               client --metadata-dir D --metadata-url U refresh
               client --metadata-dir D --metadata-url U --target-name N [--target-name N2 ...] --target-base-url B --target-dir T download
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            var line = CommandLine.Parse(args);
            switch (line.Words)
            {
                case ["init", var root]: Init(line.One("--metadata-dir"), root); return 0;
                case ["refresh"]: await UpdateAsync(line, download: false).ConfigureAwait(false); return 0;
                case ["download"]: await UpdateAsync(line, download: true).ConfigureAwait(false); return 0;
                default: throw new ArgumentException(Usage);
            }
        }
        catch (TrustException refused)
        {
            await Console.Error.WriteLineAsync($"{refused.Reason}: {refused.Message}").ConfigureAwait(false);
            return 1;
        }
        catch (Exception failure) when (failure is ArgumentException or IOException or UnauthorizedAccessException or UriFormatException)
        {
            await Console.Error.WriteLineAsync(failure.Message).ConfigureAwait(false);
            return 1;
        }
    }

    private static void Init(string folder, string root)
    {
        Directory.CreateDirectory(folder);
        File.Copy(root, Path.Combine(folder, "root.json"), overwrite: true);
    }

    private static async Task UpdateAsync(CommandLine line, bool download)
    {
        using var http = HttpTransport.CreateClient();
        var metadata = new Uri(line.One("--metadata-url"));
        var transport = new HttpTransport(http, metadata, download ? new Uri(line.One("--target-base-url")) : metadata);
        var repository = TufRepository.Open("conformance", line.One("--metadata-dir"), null, transport, TimeProvider.System);
        await repository.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
        if (!download) return;

        foreach (var name in line.All("--target-name"))
        {
            var target = await repository.FindTargetAsync(name, CancellationToken.None).ConfigureAwait(false)
                ?? throw new TrustException(TrustReason.NoSuchTarget, $"Nobody who may speak for {name} has signed it.");
            await repository.DownloadAsync(target, line.One("--target-dir"), CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Options with one value each, in any order, before, between or after the words.</summary>
    private sealed record CommandLine(List<string> Words, List<KeyValuePair<string, string>> Options)
    {
        private static readonly string[] Known = ["--metadata-dir", "--metadata-url", "--target-name", "--target-base-url", "--target-dir"];

        public static CommandLine Parse(string[] args)
        {
            var line = new CommandLine([], []);
            for (var i = 0; i < args.Length; i++)
            {
                var (name, inline) = args[i].Split('=', 2) is [var left, var right] && Known.Contains(left) ? (left, right) : (args[i], null);
                if (!Known.Contains(name)) line.Words.Add(args[i]);
                else if (inline is null && i + 1 == args.Length) throw new ArgumentException($"{name} needs a value.\n{Usage}");
                else line.Options.Add(new(name, inline ?? args[++i]));
            }

            return line;
        }

        public IEnumerable<string> All(string name) => Options.Where(o => o.Key == name).Select(o => o.Value);

        public string One(string name) => All(name).LastOrDefault() ?? throw new ArgumentException($"{name} is missing.\n{Usage}");
    }
}
