using System.CommandLine;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Keys;
using Gatehouse.Maker.Repository;

namespace Gatehouse.Maker.Commands;

/// <summary>Shows who may sign for what, and which key files are here.</summary>
internal static class KeysCommand
{
    public static Command Create()
    {
        var command = new Command("keys", "Show roles, keys, holders and thresholds.");
        command.Run((parsed, output) =>
        {
            var repository = parsed.OpenRepository();
            var here = MakerRepository.KeyFiles(repository.KeysFolder).Concat(MakerRepository.KeyFiles(repository.OnlineFolder)).ToDictionary(h => h.KeyId, StringComparer.Ordinal);
            var roles = new JsonObject();
            foreach (var (name, role) in repository.DecidingRoot().Signed["roles"]!.AsObject())
            {
                output.Say($"{name}: {role!["threshold"]} of {role["keyids"]!.AsArray().Count} must sign");
                roles[name] = Describe(role, here, output);
            }

            output.Set("roles", roles);
        });
        return command;
    }

    private static JsonObject Describe(JsonNode role, Dictionary<string, KeyFileHeader> here, Output output)
    {
        var keys = new JsonArray();
        foreach (var id in role["keyids"]!.AsArray().Select(k => k!.GetValue<string>()))
        {
            var file = here.GetValueOrDefault(id);
            output.Say($"  {id[..Math.Min(12, id.Length)]}…  {file?.Holder ?? "(its file is elsewhere)"}{(file is { IsEncrypted: false } ? ", open, for the timer" : "")}");
            keys.Add((JsonNode)new JsonObject { ["keyid"] = id, ["holder"] = file?.Holder, ["here"] = file is not null });
        }

        return new JsonObject { ["threshold"] = role["threshold"]!.DeepClone(), ["keys"] = keys };
    }
}

/// <summary>Puts a new key in the place of an old one. Staged in the next root, which enough holders of the old and the new root must sign.</summary>
internal static class RotateCommand
{
    public static Command Create()
    {
        var role = new Argument<string>("ROLE") { Description = "root, targets, snapshot or timestamp." };
        var key = new Option<string?>("--key") { Description = "The old key: the start of its id. Not needed where the role has one key." };
        var holder = new Option<string?>("--holder") { Description = "Who holds the new key; the old key's holder where not given." };
        var command = new Command("rotate", "Replace a key by a new one.") { role, key, holder };
        command.Run((parsed, output) => Rotate(parsed.OpenRepository(), parsed.GetValue(role)!, parsed.GetValue(key), parsed.GetValue(holder), parsed.Passphrases(), output));
        return command;
    }

    private static void Rotate(MakerRepository repository, string role, string? start, string? holder, Passphrases passphrases, Output output)
    {
        var root = repository.Draft("root");
        var rule = root.Signed["roles"]![role]?.AsObject() ?? throw new MakerException($"There is no role {role} in the root.");
        var online = role is "snapshot" or "timestamp";
        var old = RoleTable.Resolve(rule, start ?? "", role);
        var folder = online ? repository.OnlineFolder : repository.KeysFolder;
        holder ??= online ? "online" : MakerRepository.KeyFiles(folder).FirstOrDefault(h => h.KeyId == old)?.Holder ?? throw new MakerException("Say who holds the new key: --holder NAME");

        using var key = MakerKey.Generate(holder);
        RoleTable.Add(root.Signed["keys"]!.AsObject(), rule, key);
        RoleTable.Remove(rule, old, role);
        RoleTable.Clean(root.Signed["keys"]!.AsObject(), root.Signed["roles"]!.AsObject().Select(r => r.Value));
        root.Signatures.Clear();

        // The old file stays: a root key must still sign the root that lets it go.
        var name = $"{MakerRepository.Encode(holder)}.{role}.{key.KeyId[..8]}{KeyFile.Ending}";
        KeyFile.Write(Path.Combine(folder, name), key, role, online ? null : passphrases.ForNewKey(0, holder));
        repository.Stage("root", root);
        Resign.TargetsWhere(role == "targets", repository);

        output.Set("old", old);
        output.Set("new", key.KeyId);
        output.Say($"{role}: the key {key.KeyId[..12]}… of {holder} follows {old[..12]}… with root version {root.Version}, once it is signed.");
    }
}

/// <summary>Takes a key away from every role. For a key that was lost or stolen and is not replaced.</summary>
internal static class RevokeCommand
{
    public static Command Create()
    {
        var id = new Argument<string>("KEYID") { Description = "The key's id, or its start." };
        var command = new Command("revoke", "Take a key away from every role that names it.") { id };
        command.Run((parsed, output) =>
        {
            var repository = parsed.OpenRepository();
            var root = repository.Draft("root");
            var start = parsed.GetValue(id)!;
            var roles = root.Signed["roles"]!.AsObject().Where(r => r.Value!["keyids"]!.AsArray().Any(k => k!.GetValue<string>().StartsWith(start, StringComparison.Ordinal))).ToList();
            if (roles.Count == 0) throw new MakerException($"No role names a key {start}. See: gatehouse-maker keys");

            foreach (var (name, role) in roles) RoleTable.Remove(role!.AsObject(), RoleTable.Resolve(role.AsObject(), start, name), name);
            RoleTable.Clean(root.Signed["keys"]!.AsObject(), root.Signed["roles"]!.AsObject().Select(r => r.Value));
            root.Signatures.Clear();
            repository.Stage("root", root);
            Resign.TargetsWhere(roles.Any(r => r.Key == "targets"), repository);

            output.Set("roles", new JsonArray(roles.Select(r => (JsonNode)r.Key).ToArray()));
            output.Say($"The key {start}… is out of {string.Join(", ", roles.Select(r => r.Key))} with root version {root.Version}, once it is signed.");
        });
        return command;
    }
}

internal static class Resign
{
    /// <summary>New targets keys have signed nothing yet: the targets role gets a new version for them.</summary>
    public static void TargetsWhere(bool changed, MakerRepository repository)
    {
        if (!changed) return;

        var targets = repository.Draft("targets");
        targets.Signatures.Clear();
        repository.Stage("targets", targets);
    }
}
