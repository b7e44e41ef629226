using System.CommandLine;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Keys;
using Gatehouse.Maker.Repository;

namespace Gatehouse.Maker.Commands;

/// <summary>Makes a repository: keys, root and an empty targets role, signed and ready to publish.</summary>
internal static class InitCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The new working folder." };
        var name = new Option<string>("--name") { Description = "The maker's name.", DefaultValueFactory = _ => "maker" };
        var holders = new Option<string[]>("--holder")
        {
            Description = "Who holds root and targets keys. Once per person.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => ["holder-1", "holder-2", "holder-3"],
        };
        var threshold = new Option<int>("--threshold") { Description = "How many holders must sign.", DefaultValueFactory = _ => 2 };
        var unattended = new Option<bool>("--unattended") { Description = "Ask nothing (labs and CI; needs --passphrase-file)." };
        var days = new Dictionary<string, Option<double>>();
        foreach (var (role, usual) in new[] { ("root", 365.0), ("targets", 365.0), ("snapshot", 14.0), ("timestamp", 3.0) })
        {
            days[role] = new Option<double>($"--{role}-days") { Description = $"How long {role} signatures are good for.", DefaultValueFactory = _ => usual };
        }

        var command = new Command("init", "Make a new repository: the ceremony of keys.") { folder, name, holders, threshold, unattended };
        foreach (var option in days.Values) command.Add(option);
        command.Run((parsed, output) =>
        {
            var settings = new MakerSettings(
                parsed.GetValue(name)!, parsed.GetValue(days["root"]), parsed.GetValue(days["targets"]), parsed.GetValue(days["snapshot"]), parsed.GetValue(days["timestamp"]));
            var passphrases = parsed.Passphrases();
            if (parsed.GetValue(unattended) && !passphrases.AreFromFiles) throw new MakerException("--unattended needs --passphrase-file.");

            Ceremony.Hold(parsed.GetValue(folder)!, settings, parsed.GetValue(holders)!, parsed.GetValue(threshold), passphrases, parsed.Clock(), output);
        });
        return command;
    }
}

/// <summary>The ceremony itself: one root and one targets key for each holder, one online key each for snapshot and timestamp.</summary>
internal static class Ceremony
{
    public static void Hold(
        string folder, MakerSettings settings, string[] holders, int threshold, Passphrases passphrases, TimeProvider clock, Output output)
    {
        if (holders.Distinct(StringComparer.Ordinal).Count() != holders.Length) throw new MakerException("Two holders have one name.");
        if (threshold < 1 || threshold > holders.Length) throw new MakerException($"A threshold of {threshold} does not fit {holders.Length} holder(s).");

        var repository = MakerRepository.Create(folder, settings, clock);
        var root = MetadataDocument.Create("root", repository.ExpiryOf("root"));
        root.Signed["consistent_snapshot"] = true;
        root.Signed["keys"] = new JsonObject();
        root.Signed["roles"] = new JsonObject();
        var targets = MetadataDocument.Create("targets", repository.ExpiryOf("targets"));
        targets.Signed["targets"] = new JsonObject();

        var keys = new List<(MakerKey Key, string Role)>();
        try
        {
            MakeOfflineKeys(repository, holders, passphrases, keys, output);
            MakeOnlineKeys(repository, keys);
            foreach (var role in new[] { "root", "targets", "snapshot", "timestamp" })
            {
                AddRole(root, role, keys.Where(k => k.Role == role).Select(k => k.Key), role is "root" or "targets" ? threshold : 1);
            }

            // A new root must be signed by every key it names, so that a key that cannot sign shows at once.
            foreach (var (key, role) in keys.Where(k => k.Role is "root" or "targets")) (role == "root" ? root : targets).Sign(key);
        }
        finally
        {
            foreach (var (key, _) in keys) key.Dispose();
        }

        repository.Stage("root", root);
        repository.Stage("targets", targets);
        Publishing.Finish(repository);
        Report(repository, holders, threshold, output);
    }

    private static void MakeOfflineKeys(MakerRepository repository, string[] holders, Passphrases passphrases, List<(MakerKey, string)> keys, Output output)
    {
        for (var place = 0; place < holders.Length; place++)
        {
            var passphrase = passphrases.ForNewKey(place, holders[place]);
            foreach (var role in new[] { "root", "targets" })
            {
                var key = MakerKey.Generate(holders[place]);
                keys.Add((key, role));
                var file = Path.Combine(repository.KeysFolder, $"{MakerRepository.Encode(holders[place])}.{role}{KeyFile.Ending}");
                KeyFile.Write(file, key, role, passphrase);
                output.Say($"{holders[place]}: {role} key {key.KeyId[..12]}… in {file}");
            }
        }
    }

    private static void MakeOnlineKeys(MakerRepository repository, List<(MakerKey, string)> keys)
    {
        foreach (var role in new[] { "snapshot", "timestamp" })
        {
            var key = MakerKey.Generate("online");
            keys.Add((key, role));
            KeyFile.Write(Path.Combine(repository.OnlineFolder, role + KeyFile.Ending), key, role, passphrase: null);
        }
    }

    private static void AddRole(MetadataDocument root, string role, IEnumerable<MakerKey> keys, int threshold)
    {
        var ids = new JsonArray();
        foreach (var key in keys)
        {
            root.Signed["keys"]![key.KeyId] = key.Public.DeepClone();
            ids.Add((JsonNode)key.KeyId);
        }

        root.Signed["roles"]![role] = new JsonObject { ["keyids"] = ids, ["threshold"] = threshold };
    }

    private static void Report(MakerRepository repository, string[] holders, int threshold, Output output)
    {
        output.Set("repository", Path.GetFullPath(repository.Folder));
        output.Set("root", Path.GetFullPath(Path.Combine(repository.MetadataFolder, "1.root.json")));
        output.Set("threshold", threshold);
        output.Set("holders", holders.Length);
        output.Say($"Made {repository.Folder}: {threshold} of {holders.Length} holders must sign root and targets.");
        output.Say("Now give every holder the key files with their name and take them away from here: what nobody can reach nobody can steal.");
        output.Say($"Devices trust this repository by its first root: {Path.Combine(repository.MetadataFolder, "1.root.json")}");
    }
}
