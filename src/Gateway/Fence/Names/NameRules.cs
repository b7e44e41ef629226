using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Names;

/// <summary>What a permission for a name would open, and what helps the owner to decide.</summary>
public sealed record ReachAdvice(ImmutableArray<TransportPort> Ports, string Hint)
{
    public static ReachAdvice None { get; } = new(Permission.UsualPorts, "");
}

/// <summary>What is known (by the Thing's pack) of a name it asks for; null or <see cref="ReachAdvice.None"/> where nothing is.</summary>
public delegate ReachAdvice? ReachAdviser(Thing thing, string name);

/// <summary>Which names a Thing may have answered. Pure.</summary>
internal static class NameRules
{
    // Names of the house and of address books: never out in the world (RFC 6761, RFC 6762, RFC 8375), so never a question for the owner.
    private static readonly DnsName[] _private =
        [.. from name in new[] { "local", "localhost", "home.arpa", "lan", "home", "internal", "invalid", "onion", "arpa" } select DnsName.Parse(name)];

    // Names by which systems find out whether a network leads anywhere; their makers answer them with a page of a few bytes over plain HTTP.
    private static readonly FrozenSet<DnsName> _connectivityChecks = (from name in new[]
    {
        "captive.apple.com", "connectivitycheck.gstatic.com", "connectivitycheck.android.com", "clients3.google.com", "www.msftconnecttest.com",
        "detectportal.firefox.com", "connectivity-check.ubuntu.com", "nmcheck.gnome.org", "network-test.debian.org",
    } select DnsName.Parse(name)).ToFrozenSet();

    /// <summary>True for a name that only asks "am I on line?". A fenced device is shown the page that says it is not, instead of a question to the owner.</summary>
    public static bool IsConnectivityCheck(DnsName name) => _connectivityChecks.Contains(name);

    /// <summary>The permission under which a Thing may reach <paramref name="name"/>: an exact one before a wildcard, the longest wildcard first.</summary>
    public static Permission? Find(HomeState state, MacAddress thing, DnsName name)
    {
        Permission? best = null;
        foreach (var permission in state.Permissions.Values)
        {
            if (permission.Thing != thing || permission.Name is not { } allowed || !Covers(allowed, name)) continue;
            if (!allowed.StartsWith("*.", StringComparison.Ordinal)) return permission;
            if (best?.Name is null || allowed.Length > best.Name.Length) best = permission;
        }

        return best;
    }

    /// <summary>True when a permission for <paramref name="allowed"/> holds for <paramref name="name"/>: the same name, or one below <c>*.allowed</c>.</summary>
    public static bool Covers(string allowed, DnsName name) => allowed.StartsWith("*.", StringComparison.Ordinal)
        ? DnsName.TryParse(allowed[2..], out var above) && name.IsBelow(above)
        : DnsName.TryParse(allowed, out var exact) && name == exact;

    /// <summary>
    /// True for a name one can put to the owner: letters, digits, hyphens and underscores, at least two labels, not a name of the house
    /// itself. The rest is refused without a question, so that no device can write on the owner's page.
    /// </summary>
    public static bool IsWorthAsking(DnsName name)
    {
        if (name.LabelCount < 2 || Array.Exists(_private, own => name == own || name.IsBelow(own))) return false;
        for (var rest = name.Wire; rest[0] != 0; rest = rest[(rest[0] + 1)..])
        {
            foreach (var octet in rest.Slice(1, rest[0]))
            {
                if (!char.IsAsciiLetterOrDigit((char)octet) && octet is not ((byte)'-' or (byte)'_')) return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Where an answer may lead a Thing: somewhere on the Internet. The attack is DNS rebinding: a name one may ask for is answered with an
    /// address inside the house, or with the gateway's own, and the fence itself opens the way there.
    /// </summary>
    public static bool MayLeadTo(IPAddress address, GatewayNetwork network) =>
        InternetAddress.From(address) is { IsIpv4: true, IsGlobal: true } && !network.LanPrefix.Contains(address) && !network.OwnAddresses.Contains(address);
}

/// <summary>Reads the way from a question to its addresses in an answer.</summary>
internal static class AnswerChain
{
    /// <summary>Aliases followed in one answer; more are a loop or a trick.</summary>
    public const int MaxAliases = 16;

    /// <summary>The records that answer <paramref name="question"/>: its CNAME chain and, at its end, the records of the asked type. Others are left out.</summary>
    public static ImmutableArray<DnsRecord> Follow(DnsMessage answer, DnsQuestion question)
    {
        var chain = ImmutableArray.CreateBuilder<DnsRecord>();
        var name = question.Name;
        for (var i = 0; i < MaxAliases; i++)
        {
            var found = answer.Answers.Where(record => record.Name == name && record.Type == question.Type && record.Class == question.Class).ToList();
            chain.AddRange(found);
            if (found.Count > 0 || answer.Answers.FirstOrDefault(record => record.Name == name && record.Type == DnsType.CNAME) is not { Data: DnsPointer alias } next)
                return chain.DrainToImmutable();

            chain.Add(next);
            name = alias.Target;
        }

        return [];
    }
}
