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
        var follow = new Option<string?>("--follow") { Description = "Take over from this published folder of a maker that is gone (docs/takeover.md)." };
        var days = new Dictionary<string, Option<double>>();
        foreach (var (role, usual) in new[] { ("root", 365.0), ("targets", 365.0), ("snapshot", 14.0), ("timestamp", 3.0) })
        {
            days[role] = new Option<double>($"--{role}-days") { Description = $"How long {role} signatures are good for.", DefaultValueFactory = _ => usual };
        }

        var command = new Command("init", "Make a new repository: the ceremony of keys.") { folder, name, holders, threshold, unattended, follow };
        foreach (var option in days.Values) command.Add(option);
        command.Run((parsed, output) =>
        {
            var settings = new MakerSettings(
                parsed.GetValue(name)!, parsed.GetValue(days["root"]), parsed.GetValue(days["targets"]), parsed.GetValue(days["snapshot"]), parsed.GetValue(days["timestamp"]));
            var passphrases = parsed.Passphrases();
            var people = parsed.GetValue(holders)!;
            var needed = parsed.GetValue(threshold);
            if (parsed.GetValue(unattended))
            {
                if (!passphrases.AreFromFiles) throw new MakerException("--unattended needs --passphrase-file.");
            }
            else if (!Console.IsInputRedirected)
            {
                (people, needed) = Guide.Ask(people, needed);
            }

            var maker = parsed.GetValue(follow) is { } served ? PublishedFolder.Open(served) : null;
            Ceremony.Hold(parsed.GetValue(folder)!, settings with { FollowsRoot = maker?.RootVersion ?? 0 }, people, needed, passphrases, parsed.Clock(), maker, output);
        });
        return command;
    }
}

/// <summary>The questions of an attended ceremony.</summary>
internal static class Guide
{
    public static (string[] Holders, int Threshold) Ask(string[] usual, int threshold)
    {
        Console.Error.WriteLine("Who holds root and targets keys? At least two must always agree, and one may always be lost: three people are the usual choice.");
        var names = new List<string>();
        while (true)
        {
            Console.Error.Write(names.Count == 0 ? $"First person's name (empty for {string.Join(", ", usual)}): " : "Next person's name (empty when that was the last): ");
            var name = Console.ReadLine()?.Trim();
            if (string.IsNullOrEmpty(name)) break;

            names.Add(name);
        }

        if (names.Count == 0) return (usual, threshold);

        Console.Error.Write($"How many of the {names.Count} must sign? [{Math.Max(1, names.Count - 1)}] ");
        return ([.. names], int.TryParse(Console.ReadLine(), out var given) ? given : Math.Max(1, names.Count - 1));
    }
}

/// <summary>The ceremony itself: one root and one targets key for each holder, one online key each for snapshot and timestamp.</summary>
internal static class Ceremony
{
    public static void Hold(
        string folder, MakerSettings settings, string[] holders, int threshold, Passphrases passphrases, TimeProvider clock, PublishedFolder? maker,
        Output output)
    {
        if (holders.Distinct(StringComparer.Ordinal).Count() != holders.Length) throw new MakerException("Two holders have one name.");
        if (threshold < 1 || threshold > holders.Length) throw new MakerException($"A threshold of {threshold} does not fit {holders.Length} holder(s).");

        var repository = MakerRepository.Create(folder, settings, clock);
        var root = MetadataDocument.Create("root", repository.ExpiryOf("root"));
        root.Signed["consistent_snapshot"] = true;
        root.Signed["keys"] = new JsonObject();
        root.Signed["roles"] = new JsonObject();
        root.Version = settings.FollowsRoot + 1;
        var targets = maker?.Targets.Next(repository.ExpiryOf("targets")) ?? MetadataDocument.Create("targets", repository.ExpiryOf("targets"));
        targets.Signed["targets"] ??= new JsonObject();
        maker?.CopyTo(repository);

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
        Publishing.Finish(repository, maker?.Delegated());
        RecoverySheet.Write(repository, holders, threshold);
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
        var root = Path.Combine(repository.MetadataFolder, $"{repository.Settings.FollowsRoot + 1}.root.json");
        output.Set("root", Path.GetFullPath(root));
        output.Set("threshold", threshold);
        output.Set("holders", holders.Length);
        output.Say($"Made {repository.Folder}: {threshold} of {holders.Length} holders must sign root and targets.");
        output.Say("Now give every holder the key files with their name and take them away from here: what nobody can reach nobody can steal.");
        output.Say($"Print {Path.Combine(repository.Folder, RecoverySheet.FileName)} and keep one copy with each holder.");
        output.Say($"Devices trust this repository by its first root: {root}");
    }
}
