using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gatehouse.Trust.Keys;

namespace Gatehouse.Trust.Metadata;

/// <summary>One delegation (4.5): which role may speak for which paths, with which keys, and whether it has the last word.</summary>
internal sealed record Delegation(string Role, RoleKeys Keys, bool IsTerminating, IReadOnlyList<string>? Paths, IReadOnlyList<string>? HashPrefixes)
{
    public bool Covers(string path, string pathHash) =>
        (Paths is not null && Paths.Any(pattern => PathPattern.Matches(pattern, path)))
        || (HashPrefixes is not null && HashPrefixes.Any(prefix => pathHash.StartsWith(prefix, StringComparison.Ordinal)));
}

/// <summary>The delegations of one targets role, in their order.</summary>
internal sealed class DelegationTable
{
    public static readonly DelegationTable Empty = new([], null);

    private readonly SuccinctRoles? _bins;

    private DelegationTable(IReadOnlyList<Delegation> roles, SuccinctRoles? bins)
    {
        Roles = roles;
        _bins = bins;
    }

    public IReadOnlyList<Delegation> Roles { get; }

    public bool HasBins => _bins is not null;

    /// <summary>The delegations that cover a path, in order (5.6.7.2).</summary>
    public IEnumerable<Delegation> For(string path)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)));
        if (_bins is not null) return [_bins.BinOf(hash)];

        return Roles.Where(d => d.Covers(path, hash));
    }

    /// <summary>The delegations to a role of this name. More than one may name it, for different paths or with different keys.</summary>
    public IEnumerable<Delegation> All() => _bins is null ? Roles : _bins.All();

    public static DelegationTable Parse(JsonElement delegations, TrustLimits limits)
    {
        var keys = RoleKeys.ParseTable(delegations.GetRequired("keys"), limits);
        var hasRoles = delegations.TryGetProperty("roles", out var roles);
        var hasBins = delegations.TryGetProperty("succinct_roles", out var bins);
        if (hasRoles == hasBins) throw new JsonException("delegations need either \"roles\" or \"succinct_roles\"");

        return hasBins ? new DelegationTable([], SuccinctRoles.Parse(bins, keys, limits)) : new DelegationTable(ParseRoles(roles, keys, limits), null);
    }

    private static List<Delegation> ParseRoles(JsonElement roles, IReadOnlyDictionary<string, PublicKey> keys, TrustLimits limits)
    {
        var list = new List<Delegation>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var role in roles.GetItems())
        {
            if (list.Count >= limits.Delegations) throw new JsonException($"it has more than {limits.Delegations} delegations");

            var delegation = ParseRole(role, keys, limits);
            if (!names.Add(delegation.Role)) throw new JsonException("two delegations name one role");
            list.Add(delegation);
        }

        return list;
    }

    private static Delegation ParseRole(JsonElement role, IReadOnlyDictionary<string, PublicKey> keys, TrustLimits limits)
    {
        var name = RoleName.Check(role.GetRequired("name").GetText(), limits);
        var terminating = role.TryGetProperty("terminating", out var flag) && flag.GetFlag();
        var paths = Texts(role, "paths");
        var prefixes = Texts(role, "path_hash_prefixes");
        if (paths is null == prefixes is null) throw new JsonException("a delegation needs either \"paths\" or \"path_hash_prefixes\"");

        return new Delegation(name, RoleKeys.Parse(role, keys), terminating, paths, prefixes);
    }

    private static List<string>? Texts(JsonElement role, string name) =>
        role.TryGetProperty(name, out var list) ? list.GetItems().Select(e => e.GetText()).ToList() : null;
}

/// <summary>Succinct hashed bins (TAP 15): 2^n roles with the same keys, of which each path has exactly one.</summary>
internal sealed record SuccinctRoles(RoleKeys Keys, int BitLength, string NamePrefix)
{
    public static SuccinctRoles Parse(JsonElement bins, IReadOnlyDictionary<string, PublicKey> keys, TrustLimits limits)
    {
        var bits = bins.GetRequired("bit_length").GetInteger("bit_length", atLeast: 1);
        if (bits > 32) throw new JsonException("\"bit_length\" is above 32");

        var prefix = bins.GetRequired("name_prefix").GetText();
        RoleName.Check(prefix + "-00000000", limits);
        return new SuccinctRoles(RoleKeys.Parse(bins, keys), (int)bits, prefix);
    }

    public Delegation BinOf(string pathHash)
    {
        var first = BinaryPrimitives.ReadUInt32BigEndian(Convert.FromHexString(pathHash[..8]));
        return Bin(first >> (32 - BitLength));
    }

    /// <summary>Every bin, in order. Up to 2^32 of them: the caller stops in time.</summary>
    public IEnumerable<Delegation> All()
    {
        for (ulong bin = 0; bin < 1UL << BitLength; bin++) yield return Bin((uint)bin);
    }

    private Delegation Bin(uint number)
    {
        var digits = (BitLength + 3) / 4;
        var name = NamePrefix + "-" + number.ToString("x" + digits, CultureInfo.InvariantCulture);
        return new Delegation(name, Keys, false, [], null);
    }
}
