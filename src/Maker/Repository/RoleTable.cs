using System.Text.Json.Nodes;
using Gatehouse.Maker.Keys;

namespace Gatehouse.Maker.Repository;

/// <summary>Changes who may sign for a role, in a root or in a delegation: both have a key table and roles with key ids and a threshold.</summary>
internal static class RoleTable
{
    public static void Add(JsonObject table, JsonObject role, MakerKey key) => Add(table, role, key.KeyId, key.Public);

    public static void Add(JsonObject table, JsonObject role, string keyId, JsonObject publicKey)
    {
        table[keyId] = publicKey.DeepClone();
        var ids = role["keyids"]!.AsArray();
        if (!ids.Any(id => id!.GetValue<string>() == keyId)) ids.Add((JsonNode)keyId);
    }

    /// <summary>Takes a key away from a role. Fails where too few would be left to sign.</summary>
    public static void Remove(JsonObject role, string keyId, string name)
    {
        var ids = role["keyids"]!.AsArray();
        var id = ids.FirstOrDefault(k => k!.GetValue<string>() == keyId) ?? throw new MakerException($"{name} does not name the key {keyId}.");
        ids.Remove(id);
        if (ids.Count < role["threshold"]!.GetValue<int>())
        {
            throw new MakerException($"Without the key {keyId} the role {name} could never be signed again: it needs {role["threshold"]}. Put a new key in its place with: gatehouse-maker rotate {name} --key {keyId[..12]}");
        }
    }

    /// <summary>Drops keys that no role names any more.</summary>
    public static void Clean(JsonObject table, IEnumerable<JsonNode?> roles)
    {
        var named = roles.SelectMany(r => r!["keyids"]!.AsArray().Select(k => k!.GetValue<string>())).ToHashSet(StringComparer.Ordinal);
        foreach (var id in table.Select(m => m.Key).Where(id => !named.Contains(id)).ToList()) table.Remove(id);
    }

    /// <summary>The one key of a role whose id starts so.</summary>
    public static string Resolve(JsonObject role, string start, string name)
    {
        var found = role["keyids"]!.AsArray().Select(k => k!.GetValue<string>()).Where(id => id.StartsWith(start, StringComparison.Ordinal)).ToList();
        return found.Count == 1 ? found[0] : throw new MakerException($"{found.Count} keys of {name} start with {start}. See: gatehouse-maker keys");
    }
}
