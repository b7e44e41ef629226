using System.CommandLine;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Keys;
using Gatehouse.Maker.Repository;

namespace Gatehouse.Maker.Commands;

/// <summary>
/// Adds signatures to what is staged, after saying what it is. Holders on other machines get what is to be signed as one file
/// (<c>--export</c>), sign it there without the repository (<c>--file</c>), and hand it back (<c>--import</c>).
/// </summary>
internal static class SignCommand
{
    public static Command Create()
    {
        var keys = new Option<string[]>("--key") { Description = "A key file; those in keys/ where none is given.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        var holder = new Option<string?>("--holder") { Description = "Use this holder's keys only." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask whether to sign." };
        var export = new Option<string?>("--export") { Description = "Write what is to be signed to this file, for a holder elsewhere." };
        var file = new Option<string?>("--file") { Description = "Sign such a file, away from the repository." };
        var import = new Option<string?>("--import") { Description = "Take the signatures of such a file in." };
        var command = new Command("sign", "Sign what is staged.") { keys, holder, yes, export, file, import };
        command.Run((parsed, output) =>
        {
            var request = new SignRequest(
                parsed.GetValue(keys)!, parsed.GetValue(holder), parsed.GetValue(yes) || parsed.Passphrases().AreFromFiles, parsed.Passphrases(), output);
            if (parsed.GetValue(file) is { } bundle) Signer.SignBundle(bundle, request);
            else if (parsed.GetValue(export) is { } exported) Export(parsed.OpenRepository(), exported, output);
            else if (parsed.GetValue(import) is { } imported) Import(parsed.OpenRepository(), imported, output);
            else SignStaged(parsed.OpenRepository(), request);
        });
        return command;
    }

    private static void SignStaged(MakerRepository repository, SignRequest request)
    {
        var bundle = SigningBundle.Of(repository);
        var headers = request.Keys.Length > 0 ? request.Keys.Select(KeyFile.ReadHeader) : MakerRepository.KeyFiles(repository.KeysFolder);
        Signer.Sign(bundle, headers, request);
        foreach (var item in bundle.Items) repository.Stage(item.Role, item.Document);
    }

    private static void Export(MakerRepository repository, string path, Output output)
    {
        SafeFile.Write(path, SigningBundle.Of(repository).ToBytes());
        output.Set("file", path);
        output.Say($"{path} can be signed anywhere with: gatehouse-maker sign --file {path} --key KEYFILE");
    }

    private static void Import(MakerRepository repository, string path, Output output)
    {
        var added = 0;
        foreach (var item in SigningBundle.Parse(File.ReadAllBytes(path), path).Items)
        {
            var staged = repository.Staged(item.Role) ?? throw new MakerException($"{item.Role} is not staged here any more.");
            if (!staged.ToSign().AsSpan().SequenceEqual(item.Document.ToSign())) throw new MakerException($"{item.Role} was changed since {path} was written. Export it again.");

            added += staged.Merge(item.Document);
            repository.Stage(item.Role, staged);
            var missing = Signing.RulesFor(repository, item.Role, staged).Max(r => r.Missing(staged));
            output.Say(missing == 0 ? $"{item.Role} version {staged.Version} has all its signatures." : $"{item.Role} version {staged.Version} still needs {missing}.");
        }

        output.Set("signatures", added);
    }
}

/// <summary>With which keys to sign, and whether to ask first.</summary>
internal sealed record SignRequest(string[] Keys, string? Holder, bool Yes, Passphrases Passphrases, Output Output);

/// <summary>Says what will be signed, asks, and signs.</summary>
internal static class Signer
{
    public static void SignBundle(string path, SignRequest request)
    {
        if (request.Keys.Length == 0) throw new MakerException("Say with which key: --key FILE");

        var bundle = SigningBundle.Parse(File.ReadAllBytes(path), path);
        Sign(bundle, request.Keys.Select(KeyFile.ReadHeader), request);
        SafeFile.Write(path, bundle.ToBytes());
    }

    public static void Sign(SigningBundle bundle, IEnumerable<KeyFileHeader> keys, SignRequest request)
    {
        var headers = keys.Where(h => request.Holder is not { } wanted || h.Holder == wanted).ToList();
        using var ring = new KeyRing(request.Passphrases);
        var result = new JsonArray();
        foreach (var item in bundle.Items)
        {
            foreach (var line in Changes.Describe(item.Role, item.Before, item.Document)) request.Output.Say(line);
            SignItem(item, headers, ring, request);
            var missing = item.Rules.Max(r => r.Missing(item.Document));
            request.Output.Say(missing == 0 ? $"  {item.Role} version {item.Document.Version} has all its signatures." : $"  {item.Role} version {item.Document.Version} still needs {missing}.");
            result.Add((JsonNode)new JsonObject { ["role"] = item.Role, ["version"] = item.Document.Version, ["missing"] = missing });
        }

        request.Output.Set("staged", result);
    }

    private static void SignItem(SigningItem item, List<KeyFileHeader> headers, KeyRing ring, SignRequest request)
    {
        var wanted = headers.Where(h => item.Rules.Any(r => r.KeyIds.Contains(h.KeyId))).ToList();
        if (wanted.Count > 0 && !request.Yes) Confirm(item.Role);

        foreach (var header in wanted)
        {
            if (ring.Open(header) is not { } key)
            {
                request.Output.Say($"  {header.Holder} did not sign: the passphrase does not open {header.Path}");
                continue;
            }

            item.Document.Sign(key);
            request.Output.Say($"  signed by {key.Holder} ({key.KeyId[..12]}…)");
        }
    }

    private static void Confirm(string role)
    {
        if (Console.IsInputRedirected) throw new MakerException("Say --yes to sign without being asked.");

        Console.Error.Write($"Sign {role}? [y/N] ");
        if (Console.ReadLine()?.Trim() is not ("y" or "Y" or "yes")) throw new MakerException("Nothing was signed.");
    }
}
