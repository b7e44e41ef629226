using System.Text.Json;
using Gatehouse.Home;

namespace Gatehouse.Fence.Kernel;

/// <summary>
/// The table's sets, chains and rules. The rules depend on the network only and are written once: what the record decides is in sets,
/// so a change of policy is a change of elements, and a packet's cost does not grow with the number of Things.
/// </summary>
/// <remarks>
/// The order is part of the design and of the tests: forged sources, quarantine and throttle before connection tracking (so a flood
/// costs no connection entries, and established connections are stopped too), then established, grants, computers, and the default: drop.
/// Chains accept by policy and drop by rule, so that interfaces which are neither LAN nor WAN are left alone.
/// </remarks>
internal static class FenceTable
{
    /// <summary>Raised when the layout changes; a table of another version is replaced whole, its grants carried over.</summary>
    public const int Version = 1;

    /// <summary>What a throttled Thing may send past the gateway: enough to be looked at and updated, useless for a flood.</summary>
    public const int ThrottledPacketsPerSecond = 20;

    /// <summary>DNS packets per second from one Thing, so that one that floods the forwarder does not silence the others.</summary>
    public const int NamePacketsPerSecond = 50;

    /// <summary>Grants alive at once, of all Things; what does not fit is answered SERVFAIL and counted.</summary>
    public const int MaxGrants = 65536;

    public static NftSet Watching { get; } = new("watching", "ifname") { Size = 8 };
    public static NftSet Panic { get; } = new("panic", "ifname") { Size = 8, Flags = ["timeout"] };
    public static NftSet Computers { get; } = new("computers", "ether_addr");
    public static NftSet Bindings { get; } = new("bindings", "ether_addr", "ipv4_addr");
    public static NftSet Owned { get; } = new("owned", "ipv4_addr");
    public static NftSet Cut { get; } = new("cut", "ether_addr");
    public static NftSet Cut4 { get; } = new("cut4", "ipv4_addr");
    public static NftSet Throttled { get; } = new("throttled", "ether_addr");
    public static NftSet Forwards { get; } = new("forwards", "ipv4_addr", "inet_proto", "inet_service") { MapTo = "mark" };
    public static NftSet StaticGrants { get; } = new("static_grants", "ether_addr", "ipv4_addr", "inet_proto", "inet_service") { MapTo = "mark", Flags = ["interval"] };
    public static NftSet Grants { get; } = new("grants", "ether_addr", "ipv4_addr", "inet_proto", "inet_service") { MapTo = "mark", Flags = ["timeout"], Size = MaxGrants };

    public static NftSet BlockedCount { get; } = Counter("blocked_count");
    public static NftSet ForgedCount { get; } = Counter("forged_count");
    public static NftSet CutCount { get; } = Counter("cut_count");
    public static NftSet ThrottledCount { get; } = Counter("throttled_count");
    public static NftSet PassedCount { get; } = Counter("passed_count");
    public static NftSet ThrottleRate { get; } = Counter("throttle_rate") with { Timeout = TimeSpan.FromMinutes(1) };
    public static NftSet NameRate { get; } = Counter("name_rate") with { Timeout = TimeSpan.FromMinutes(1) };

    /// <summary>Every set, in the order they are made.</summary>
    public static NftSet[] Sets { get; } =
    [
        Watching, Panic, Computers, Bindings, Owned, Cut, Cut4, Throttled, Forwards, StaticGrants, Grants,
        BlockedCount, ForgedCount, CutCount, ThrottledCount, PassedCount, ThrottleRate, NameRate,
    ];

    public static string VersionChain { get; } = $"version_{Version}";

    /// <summary>Adds the table, its sets and chains where they are missing, and writes the rules anew. Elements stay as they are.</summary>
    public static void WriteRules(NftTransaction transaction, GatewayNetwork network)
    {
        transaction.AddTable();
        transaction.AddChain(VersionChain);
        foreach (var set in Sets) transaction.AddSet(set);

        string[] chains = ["own_source", "over_rate", "guard", "redirect", "from_lan", "to_lan", "in_lan", "in_wan"];
        foreach (var chain in chains) transaction.AddChain(chain);
        transaction.AddBaseChain("early", "filter", "prerouting", -300);
        transaction.AddBaseChain("translate", "nat", "prerouting", -100);
        transaction.AddBaseChain("forwarding", "filter", "forward", 0);
        transaction.AddBaseChain("input", "filter", "input", 0);
        transaction.AddBaseChain("masquerade", "nat", "postrouting", 100);
        string[] all = [.. chains, "early", "translate", "forwarding", "input", "masquerade"];
        foreach (var chain in all) transaction.FlushChain(chain);

        WriteEarly(transaction, network);
        WriteTranslate(transaction, network);
        WriteForwarding(transaction, network);
        WriteInput(transaction, network);
        transaction.AddRule("masquerade", rule => rule.To(network.Wan).Source(network.LanPrefix).Masquerade());
    }

    /// <summary>Replaces everything the policy decides. Grants and counters stay as they are.</summary>
    public static void WritePolicy(NftTransaction transaction, FencePolicy policy, GatewayNetwork network)
    {
        NftSet[] sets = [Watching, Panic, Computers, Bindings, Owned, Cut, Cut4, Throttled, Forwards, StaticGrants];
        foreach (var set in sets) transaction.FlushSet(set);

        string[] both = [network.Lan, network.Wan];
        if (policy.Mode == GuardMode.Watching) transaction.AddElements(Watching, both, (json, name) => json.WriteStringValue(name));
        if (policy.PanicFor > TimeSpan.Zero)
            transaction.AddElements(Panic, [network.Lan], (json, name) => json.WriteTimed(policy.PanicFor, json => json.WriteStringValue(name)));

        transaction.AddElements(Computers, policy.Computers, NftValues.WriteMac);
        transaction.AddElements(Bindings, policy.Bindings, (json, binding) => json.WriteConcatenation(json =>
        {
            json.WriteMac(binding.Mac);
            json.WriteAddress(binding.Address);
        }));
        transaction.AddElements(Owned, policy.Bindings, (json, binding) => json.WriteAddress(binding.Address));
        transaction.AddElements(Cut, policy.CutOff, NftValues.WriteMac);
        transaction.AddElements(Cut4, policy.CutOffAddresses, NftValues.WriteAddress);
        transaction.AddElements(Throttled, policy.Throttled, NftValues.WriteMac);
        transaction.AddElements(Forwards, policy.Forwards, (json, forward) => json.WriteMapped(json => json.WriteConcatenation(json =>
        {
            json.WriteAddress(forward.Address);
            json.WritePort(forward.Port);
        }), forward.Mark));
        transaction.AddElements(StaticGrants, policy.StaticGrants, (json, grant) => json.WriteMapped(json => json.WriteConcatenation(json =>
        {
            json.WriteMac(grant.Mac);
            json.WritePrefix(grant.Prefix);
            json.WritePort(grant.Port);
        }), grant.Mark));
    }

    public static void WriteGrant(Utf8JsonWriter json, Grant grant) =>
        json.WriteMapped(json => json.WriteTimed(grant.Timeout, json => WriteKey(json, grant.Key)), grant.Mark);

    public static void WriteGrantKey(Utf8JsonWriter json, Grant grant) => json.WriteMapped(json => WriteKey(json, grant.Key), grant.Mark);

    private static void WriteKey(Utf8JsonWriter json, GrantKey key) => json.WriteConcatenation(json =>
    {
        json.WriteMac(key.Mac);
        json.WriteAddress(key.Address);
        json.WritePort(key.Port);
    });

    private static NftSet Counter(string name) =>
        new(name, "ether_addr") { Flags = ["timeout"], Timeout = TimeSpan.FromDays(1) };

    // Before connection tracking: what is forged, cut off or over its rate costs nothing more than this look.
    private static void WriteEarly(NftTransaction transaction, GatewayNetwork network)
    {
        transaction.AddRule("early", rule => rule.From(network.Lan).FromNotIn(Watching).Jump("guard"));

        // A client without an address asks for one; dnsmasq judges what it says.
        transaction.AddRule("guard", rule => rule.UdpFrom(68).Udp(67).ForUs().Accept());
        transaction.AddRule("guard", rule => rule.SourceNotOwn(Bindings).Jump("own_source"));
        transaction.AddRule("guard", rule => rule.Mac(Cut).NotForUs().Count(CutCount));
        transaction.AddRule("guard", rule => rule.Mac(Cut).NotForUs().Drop());
        transaction.AddRule("guard", rule => rule.Destination(Cut4).Drop());
        transaction.AddRule("guard", rule => rule.Mac(Throttled).NotForUs().Over(ThrottleRate, ThrottledPacketsPerSecond, 10).Jump("over_rate"));
        transaction.AddRule("guard", rule => rule.MacNot(Computers).Protocol("tcp", "udp").Port(53).Over(NameRate, NamePacketsPerSecond, 100).Jump("over_rate"));

        // Open for computers: one with an address of its own choosing keeps working, unless the address is somebody else's.
        transaction.AddRule("own_source", rule => rule.Mac(Computers).Source(network.LanPrefix).SourceNotIn(Owned).Return());
        transaction.AddRule("own_source", rule => rule.Count(ForgedCount));
        transaction.AddRule("own_source", rule => rule.Drop());

        transaction.AddRule("over_rate", rule => rule.Count(ThrottledCount));
        transaction.AddRule("over_rate", rule => rule.Drop());
    }

    private static void WriteTranslate(NftTransaction transaction, GatewayNetwork network)
    {
        transaction.AddRule("translate", rule => rule.From(network.Lan).FromNotIn(Watching).FromNotIn(Panic).MacNot(Computers).Jump("redirect"));
        transaction.AddRule("redirect", rule => rule.Protocol("tcp", "udp").Port(53).Redirect(53));
        transaction.AddRule("redirect", rule => rule.Udp(123).Redirect(123));
        if (network.FencedPagePort is not { } page) return;

        // What a Thing may reach it reaches; other plain HTTP is led to the page that says it is fenced.
        transaction.AddRule("redirect", rule => rule.Granted(Grants).Return());
        transaction.AddRule("redirect", rule => rule.Granted(StaticGrants).Return());
        transaction.AddRule("redirect", rule => rule.DestinationNot(network.LanPrefix).Tcp(80).Redirect(page));
        transaction.AddRule("redirect", rule => rule.Destination(network.LanAddress).Tcp(80).Redirect(page));
    }

    private static void WriteForwarding(NftTransaction transaction, GatewayNetwork network)
    {
        transaction.AddRule("forwarding", rule => rule.From(network.Lan).Jump("from_lan"));
        transaction.AddRule("forwarding", rule => rule.To(network.Lan).Jump("to_lan"));

        transaction.AddRule("from_lan", rule => rule.State("established", "related").Count(PassedCount).Accept());
        transaction.AddRule("from_lan", rule => rule.State("established", "related").Accept());
        transaction.AddRule("from_lan", rule => rule.Granted(Grants).Count(PassedCount).Accept());
        transaction.AddRule("from_lan", rule => rule.Granted(Grants).Accept());
        transaction.AddRule("from_lan", rule => rule.Granted(StaticGrants).Count(PassedCount).Accept());
        transaction.AddRule("from_lan", rule => rule.Granted(StaticGrants).Accept());
        transaction.AddRule("from_lan", rule => rule.Mac(Computers).Accept());
        transaction.AddRule("from_lan", rule => rule.Count(BlockedCount));
        transaction.AddRule("from_lan", rule => rule.FromIn(Watching).Accept());
        transaction.AddRule("from_lan", rule => rule.FromIn(Panic).Accept());
        transaction.AddRule("from_lan", rule => rule.Drop());

        // From outside: answers, and the ways in that were there before and stay open. Panic lets out, never in.
        transaction.AddRule("to_lan", rule => rule.ToIn(Watching).Accept());
        transaction.AddRule("to_lan", rule => rule.Destination(Cut4).Drop());
        transaction.AddRule("to_lan", rule => rule.State("established", "related").Accept());
        transaction.AddRule("to_lan", rule => rule.Translated().Forwarded(Forwards).Accept());
        transaction.AddRule("to_lan", rule => rule.Drop());
    }

    private static void WriteInput(NftTransaction transaction, GatewayNetwork network)
    {
        transaction.AddRule("input", rule => rule.From(network.Lan).FromNotIn(Watching).Jump("in_lan"));
        transaction.AddRule("input", rule => rule.From(network.Wan).FromNotIn(Watching).Jump("in_wan"));

        // A Thing that is cut off still gets its address, and answers what the gateway itself asks: so it can be cured.
        transaction.AddRule("in_lan", rule => rule.Udp(67).Accept());
        transaction.AddRule("in_lan", rule => rule.Mac(Cut).OriginalDirection().Count(CutCount));
        transaction.AddRule("in_lan", rule => rule.Mac(Cut).OriginalDirection().Drop());
        transaction.AddRule("in_lan", rule => rule.State("established", "related").Accept());
        transaction.AddRule("in_lan", rule => rule.Mac(Computers).Accept());
        transaction.AddRule("in_lan", rule => rule.Protocol("tcp", "udp").Port(53).Accept());
        transaction.AddRule("in_lan", rule => rule.Udp(123).Accept());
        transaction.AddRule("in_lan", rule => rule.Udp(5353).Accept());
        transaction.AddRule("in_lan", rule => rule.Ping().Accept());
        transaction.AddRule("in_lan", rule => rule.Protocol("ipv6-icmp", "igmp").Accept());
        if (network.FencedPagePort is { } page) transaction.AddRule("in_lan", rule => rule.Translated().Tcp(page).Accept());
        transaction.AddRule("in_lan", rule => rule.Count(BlockedCount));
        transaction.AddRule("in_lan", rule => rule.Drop());

        transaction.AddRule("in_wan", rule => rule.State("established", "related").Accept());
        transaction.AddRule("in_wan", rule => rule.UdpFrom(67).Udp(68).Accept());
        transaction.AddRule("in_wan", rule => rule.Protocol("ipv6-icmp").Accept());
        transaction.AddRule("in_wan", rule => rule.Drop());
    }
}
