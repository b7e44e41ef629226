using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Keys;
using Gatehouse.Maker.Repository;

namespace Gatehouse.Maker.Commands;

/// <summary>docs/takeover.md: a maker names its successor in advance; the successor's parties declare a takeover when the maker is gone.</summary>
internal static class SuccessorCommand
{
    public static Command Create() => new("successor", "Name who goes on when this maker is gone; or declare that it is.")
    {
        CreateKey(), CreateName(), CreateDraft(), CreateAttest(),
    };

    private static Command CreateKey()
    {
        var holder = new Argument<string>("HOLDER") { Description = "The party: escrow, community …" };
        var file = new Option<string>("--out") { Description = "The key file to make; its public part is what the maker needs.", Required = true };
        var command = new Command("key", "Make a successor party's key (on that party's machine).") { holder, file };
        command.Run((parsed, output) =>
        {
            using var key = MakerKey.Generate(parsed.GetValue(holder)!);
            KeyFile.Write(parsed.GetValue(file)!, key, "successor", parsed.Passphrases().ForNewKey(0, key.Holder));
            output.Set("keyid", key.KeyId);
            output.Set("public", key.Public["keyval"]!["public"]!.DeepClone());
            output.Say($"{key.Holder}: {key.KeyId} {key.Public["keyval"]!["public"]}");
        });
        return command;
    }

    private static Command CreateName()
    {
        var keys = new Option<string[]>("--public") { Description = "A party's public key (64 hexadecimal digits). Once per party.", AllowMultipleArgumentsPerToken = true, Required = true };
        var threshold = new Option<int>("--threshold") { Description = "How many parties must agree that the maker is gone.", DefaultValueFactory = _ => 2 };
        var silence = new Option<int>("--silence-days") { Description = "How long the maker must have been silent (30 or more).", DefaultValueFactory = _ => 180 };
        var notice = new Option<int>("--notice-days") { Description = "How long the maker may still object after the declaration.", DefaultValueFactory = _ => 30 };
        var command = new Command("name", "Name the successor in the next root.") { keys, threshold, silence, notice };
        command.Run((parsed, output) =>
        {
            var repository = parsed.OpenRepository();
            var parties = parsed.GetValue(keys)!;
            var needed = parsed.GetValue(threshold);
            if (parties.Any(p => p.Length != 64 || !p.All(char.IsAsciiHexDigit))) throw new MakerException("A public key is 64 hexadecimal digits.");
            if (needed < 1 || needed > parties.Distinct().Count()) throw new MakerException($"A threshold of {needed} does not fit {parties.Length} parties.");
            if (parsed.GetValue(silence) < 30) throw new MakerException("A silence shorter than 30 days is a holiday.");

            var root = repository.Draft("root");
            var role = new JsonObject { ["keyids"] = new JsonArray(), ["threshold"] = needed };
            foreach (var party in parties)
            {
                var key = MakerKey.Describe(party.ToLowerInvariant());
                RoleTable.Add(root.Signed["keys"]!.AsObject(), role, MakerKey.IdOf(key), key);
            }

            root.Signed["roles"]!["successor"] = role;
            root.Signed["successor"] = new JsonObject { ["silence-days"] = parsed.GetValue(silence), ["notice-days"] = parsed.GetValue(notice) };
            root.Signatures.Clear();
            repository.Stage("root", root);
            output.Set("version", root.Version);
            output.Say($"After {parsed.GetValue(silence)} days of silence {needed} of {parties.Length} parties may take over, once root version {root.Version} is signed.");
        });
        return command;
    }

    private static Command CreateDraft()
    {
        var maker = new Option<string>("--maker-root") { Description = "The maker's last root (N.root.json).", Required = true };
        var next = new Option<string>("--new-root") { Description = "The successor's first root (N+1.root.json).", Required = true };
        var seen = new Option<string[]>("--seen") { Description = "KEYID=TIMESTAMPVERSION@DATE: what that party last saw of the maker. Once per party.", AllowMultipleArgumentsPerToken = true, Required = true };
        var file = new Option<string>("--out") { Description = "The statement to write (N+1.takeover.json).", Required = true };
        var command = new Command("draft", "Write the takeover that the parties then attest.") { maker, next, seen, file };
        command.Run((parsed, output) =>
        {
            var statement = MetadataDocument.Create("takeover", parsed.Clock().GetUtcNow());
            statement.Signed.Remove("expires");
            statement.Signed.Remove("version");
            statement.Signed["declared"] = Date(parsed.Clock().GetUtcNow());
            statement.Signed["maker-root"] = Hash(parsed.GetValue(maker)!);
            statement.Signed["new-root"] = Hash(parsed.GetValue(next)!);
            statement.Signed["last-seen"] = new JsonObject(parsed.GetValue(seen)!.Select(ParseSight));
            SafeFile.Write(parsed.GetValue(file)!, statement.ToBytes());
            output.Set("file", parsed.GetValue(file));
            output.Say($"{parsed.GetValue(file)} now needs each party: gatehouse-maker successor attest {parsed.GetValue(file)} --key KEYFILE");
        });
        return command;
    }

    private static Command CreateAttest()
    {
        var file = new Argument<string>("STATEMENT");
        var keyFile = new Option<string>("--key") { Description = "This party's key file.", Required = true };
        var command = new Command("attest", "Sign a takeover, as one of the parties.") { file, keyFile };
        command.Run((parsed, output) =>
        {
            var path = parsed.GetValue(file)!;
            var statement = MetadataDocument.ParseAny(File.ReadAllBytes(path), path);
            var header = KeyFile.ReadHeader(parsed.GetValue(keyFile)!);
            var sight = statement.Signed["last-seen"]?[header.KeyId] ?? throw new MakerException($"The statement does not say what {header.Holder} last saw ({header.KeyId}).");
            output.Say($"{header.Holder} attests: the maker's timestamp version {sight["timestamp-version"]} was last seen on {sight["at"]}; declared on {statement.Signed["declared"]}.");
            using var key = KeyFile.TryOpen(header, parsed.Passphrases().ForOpening(header.Holder, header.Role)) ?? throw new MakerException("The passphrase does not fit.");
            statement.Sign(key);
            SafeFile.Write(path, statement.ToBytes());
            output.Set("signatures", statement.SignedBy().Count);
        });
        return command;
    }

    private static KeyValuePair<string, JsonNode?> ParseSight(string text)
    {
        if (text.Split('=', '@') is [var keyId, var version, var date]
            && long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && DateTimeOffset.TryParse(date, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
        {
            return new(keyId, new JsonObject { ["timestamp-version"] = number, ["at"] = Date(at) });
        }

        throw new MakerException($"--seen {text} is not like KEYID=17@2026-11-23T12:00:00Z.");
    }

    private static JsonObject Hash(string file) => new() { ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file))) };

    private static string Date(DateTimeOffset date) => date.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
