using System.Text.Json;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust.Keys;

/// <summary>Who may sign for a role: its keys, by id, and how many distinct ones must.</summary>
internal sealed class RoleKeys
{
    private RoleKeys(IReadOnlyDictionary<string, PublicKey> keys, IReadOnlyList<string> keyIds, int threshold)
    {
        Keys = keys;
        KeyIds = keyIds;
        Threshold = threshold;
        Identity = threshold + ":" + string.Join('|', keys.Values.Select(k => k.Identity).Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>The keys that are both named by the role and present in the key table.</summary>
    public IReadOnlyDictionary<string, PublicKey> Keys { get; }

    public IReadOnlyList<string> KeyIds { get; }

    public int Threshold { get; }

    /// <summary>Equal exactly when the same keys with the same threshold are meant. Part of the key under which a verified role is kept in memory.</summary>
    public string Identity { get; }

    /// <exception cref="JsonException">A threshold below one, or a key id that comes twice.</exception>
    public static RoleKeys Parse(JsonElement role, IReadOnlyDictionary<string, PublicKey> table)
    {
        var keyIds = role.GetRequired("keyids").GetItems().Select(id => id.GetText()).ToList();
        if (keyIds.Count != keyIds.Distinct(StringComparer.Ordinal).Count()) throw new JsonException("a role names one key id twice");

        // A threshold of zero would let anybody sign (4.2.1 asks for at least one).
        var threshold = (int)Math.Min(int.MaxValue, role.GetRequired("threshold").GetInteger("threshold", atLeast: 1));
        return Of(keyIds, table, threshold);
    }

    public static RoleKeys Of(IReadOnlyList<string> keyIds, IReadOnlyDictionary<string, PublicKey> table, int threshold) =>
        new(keyIds.Where(table.ContainsKey).ToDictionary(id => id, id => table[id], StringComparer.Ordinal), keyIds, threshold);

    public static Dictionary<string, PublicKey> ParseTable(JsonElement keys, TrustLimits limits)
    {
        var table = new Dictionary<string, PublicKey>(StringComparer.Ordinal);
        foreach (var member in keys.GetMembers())
        {
            if (table.Count >= limits.Keys) throw new JsonException($"it has more than {limits.Keys} keys");

            table.Add(member.Name, PublicKey.Parse(member.Value));
        }

        return table;
    }

    /// <summary>Checks the signatures on <paramref name="file"/>; null where at least <see cref="Threshold"/> distinct keys signed.</summary>
    /// <param name="signers">The ids of the keys that were found to have signed, up to the threshold.</param>
    public Refusal? Verify(SignedFile file, string role, out IReadOnlyList<string> signers)
    {
        var found = new List<string>();
        var distinct = new HashSet<string>(StringComparer.Ordinal);
        signers = found;
        foreach (var signature in file.Signatures)
        {
            if (distinct.Count >= Threshold) break;
            if (!Keys.TryGetValue(signature.KeyId, out var key) || distinct.Contains(key.Identity)) continue;
            if (!key.Verifies(file.Canonical.Span, signature.Value)) continue;

            distinct.Add(key.Identity);
            found.Add(signature.KeyId);
        }

        return distinct.Count >= Threshold
            ? null
            : new Refusal(TrustReason.NotSigned, $"The {role} metadata carries {distinct.Count} of the {Threshold} signatures it needs.");
    }
}
