using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gatehouse.Fence;
using Gatehouse.Fence.Kernel;
using Gatehouse.Home;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Fence;

public sealed class FencePolicyTests
{
    private static readonly MacAddress Plug = MacAddress.Parse("02:00:00:00:00:10");
    private static readonly MacAddress Laptop = MacAddress.Parse("02:00:00:00:00:11");
    private static readonly MacAddress Recorder = MacAddress.Parse("02:00:00:00:00:12");
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;
    private static readonly GatewayNetwork Network = new("br-lan", "wan0", IPAddress.Parse("192.168.77.1"), 24) { FencedPagePort = 8099 };
    private static readonly ImmutableArray<TransportPort> Web = [new(TransportProtocol.Tcp, 443)];

    /// <summary>A home with something of everything in it.</summary>
    private static HomeState Home => After(
        new ThingSeen(Plug, IPAddress.Parse("192.168.77.10"), "plug\"; drop table") { At = Now },
        new ThingSeen(Laptop, IPAddress.Parse("192.168.77.11"), "laptop") { At = Now },
        new ThingSeen(Recorder, IPAddress.Parse("192.168.77.12"), null) { At = Now },
        new ClassChosen(Laptop, DeviceClass.Computer) { At = Now },
        new RestraintSet(Recorder, Restraint.CutOff, "It floods.") { At = Now },
        new RestraintSet(Plug, Restraint.Throttled, "It scans.") { At = Now },
        new PermissionGranted(Plug, "cloud.example", null, Web, PermissionOrigin.Owner) { At = Now },
        new PermissionGranted(Plug, null, "203.0.113.0/24", Web, PermissionOrigin.Owner) { At = Now },
        new PortForwardFound(TransportProtocol.Tcp, 2323, "192.168.77.12", 23, Recorder) { At = Now });

    [Fact]
    public void Rules_are_the_golden_ones()
    {
        using var transaction = new NftTransaction();
        FenceTable.WriteRules(transaction, Network);

        AssertGolden("rules.json", transaction);
    }

    [Fact]
    public void Policy_is_the_golden_one()
    {
        using var transaction = new NftTransaction();
        FenceTable.WritePolicy(transaction, Policy(Home), Network);

        AssertGolden("policy.json", transaction);
    }

    [Fact]
    public void Watching_and_panic_are_elements_of_their_own()
    {
        using var transaction = new NftTransaction();
        var state = Home with { Mode = GuardMode.Watching, PanicUntil = Now + TimeSpan.FromMinutes(10) };
        FenceTable.WritePolicy(transaction, Policy(state), Network);

        AssertGolden("policy-watching-in-panic.json", transaction);
    }

    [Fact]
    public void No_text_of_a_device_is_in_a_transaction()
    {
        using var transaction = new NftTransaction();
        FenceTable.WritePolicy(transaction, Policy(Home), Network);

        Assert.DoesNotContain("drop table", System.Text.Encoding.UTF8.GetString(transaction.Json), StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_states_are_written_with_equal_bytes_whatever_their_order()
    {
        var changes = Enumerable.Range(1, 200).Select(number => new ThingSeen(new MacAddress((ulong)number), IPAddress.Parse($"192.168.77.{number + 1}"), null) { At = Now }).ToList();

        Assert.Equal(Bytes(After([.. changes])), Bytes(After([.. changes.AsEnumerable().Reverse()])));
    }

    [Fact]
    public void Leased_address_belongs_to_whom_it_was_leased()
    {
        var leases = ImmutableDictionary<IPAddress, MacAddress>.Empty.Add(IPAddress.Parse("192.168.77.11"), Laptop).Add(IPAddress.Parse("192.168.77.30"), Plug);
        var state = After(new ThingSeen(Laptop, IPAddress.Parse("192.168.77.11"), null) { At = Now }, new ThingSeen(Plug, IPAddress.Parse("192.168.77.11"), null) { At = Now });

        var policy = FencePolicy.From(state, Network, leases, Now);

        Assert.Equal([new(Laptop, IPAddress.Parse("192.168.77.11")), new(Plug, IPAddress.Parse("192.168.77.30"))], policy.Bindings);
    }

    public static TheoryData<string, string> Unusable => new()
    {
        { "the gateway's own", "192.168.77.1" }, { "outside the LAN", "198.51.100.9" }, { "IPv6", "2001:db8::1" },
    };

    [Theory, MemberData(nameof(Unusable))]
    public void Claimed_address_that_cannot_be_is_not_bound(string why, string address)
    {
        Assert.True(Policy(After(new ThingSeen(Plug, IPAddress.Parse(address), null) { At = Now })).Bindings.IsEmpty, why);
    }

    [Fact]
    public void Prefix_within_a_wider_one_is_left_out_and_another_port_is_not()
    {
        var state = After(
            new ThingSeen(Plug, null, null) { At = Now },
            new PermissionGranted(Plug, null, "203.0.113.64/26", Web, PermissionOrigin.Owner) { At = Now },
            new PermissionGranted(Plug, null, "203.0.113.0/24", Web, PermissionOrigin.Owner) { At = Now },
            new PermissionGranted(Plug, null, "203.0.113.9", [new(TransportProtocol.Udp, 53)], PermissionOrigin.Owner) { At = Now });

        Assert.Equal(["203.0.113.0/24 tcp/443", "203.0.113.9/32 udp/53"], Policy(state).StaticGrants.Select(grant => $"{grant.Prefix} {grant.Port}"));
    }

    public static TheoryData<string> BadPrefixes => new() { "", "example.org", "203.0.113.0/33", "2001:db8::/32", "203.0.113.0/24; flush ruleset" };

    [Theory, MemberData(nameof(BadPrefixes))]
    public void Text_that_is_no_prefix_opens_nothing(string text)
    {
        var state = After(new ThingSeen(Plug, null, null) { At = Now }, new PermissionGranted(Plug, null, text, Web, PermissionOrigin.Owner) { At = Now });

        Assert.Empty(Policy(state).StaticGrants);
    }

    [Fact]
    public void Panic_that_is_over_opens_nothing()
    {
        Assert.Equal(TimeSpan.Zero, Policy(Home with { PanicUntil = Now }).PanicFor);
        Assert.Equal(TimeSpan.FromSeconds(1), Policy(Home with { PanicUntil = Now + TimeSpan.FromSeconds(1) }).PanicFor);
    }

    /// <summary>Which open connections may stay; marks are ids: 1 the name, 2 the prefix, 3 the port forward of <see cref="Home"/>.</summary>
    public static TheoryData<string, bool, TrackedConnection> Connections => new()
    {
        { "Thing under its permission", true, Tracked("192.168.77.10", "203.0.113.9", 443, mark: 1) },
        { "Thing at another port", false, Tracked("192.168.77.10", "203.0.113.9", 8443, mark: 1) },
        { "Thing with nobody's mark", false, Tracked("192.168.77.10", "203.0.113.9", 443, mark: 0) },
        { "Thing with a port forward's mark", false, Tracked("192.168.77.10", "203.0.113.9", 443, mark: 3) },
        { "Thing that was cut off, with its mark", false, Tracked("192.168.77.12", "203.0.113.9", 443, mark: 1) },
        { "unknown device with somebody's mark", false, Tracked("192.168.77.99", "203.0.113.9", 443, mark: 1) },
        { "Thing to the gateway", true, Tracked("192.168.77.10", "192.168.77.1", 53) },
        { "Thing to another resolver, led to the gateway", true, Tracked("192.168.77.10", "8.8.8.8", 53, answeredBy: "192.168.77.1") },
        { "Thing to another Thing", false, Tracked("192.168.77.10", "192.168.77.13", 80) },
        { "computer anywhere", true, Tracked("192.168.77.11", "203.0.113.9", 443) },
        { "computer to a Thing", true, Tracked("192.168.77.11", "192.168.77.10", 631) },
        { "computer to one that is cut off", false, Tracked("192.168.77.11", "192.168.77.12", 631) },
        { "gateway to one that is cut off", true, Tracked("192.168.77.1", "192.168.77.12", 80) },
        { "one that is cut off to the gateway", false, Tracked("192.168.77.12", "192.168.77.1", 53) },
        { "Internet through an open forward to one that is cut off", false, Tracked("203.0.113.66", "198.51.100.1", 2323, mark: 3, answeredBy: "192.168.77.12") },
        { "Internet through an open forward", true, Tracked("203.0.113.66", "198.51.100.1", 2323, mark: 3, answeredBy: "192.168.77.10") },
        { "Internet through a forward nobody knows", false, Tracked("203.0.113.66", "198.51.100.1", 2323, mark: 0, answeredBy: "192.168.77.10") },
        { "Internet to the gateway's WAN", true, Tracked("203.0.113.66", "198.51.100.1", 22) },
        { "gateway to the Internet", true, Tracked("198.51.100.1", "203.0.113.9", 443) },
    };

    [Theory, MemberData(nameof(Connections))]
    public void Open_connection_stays_only_if_it_is_allowed_now(string what, bool stays, TrackedConnection connection)
    {
        Assert.True(stays == new ConnectionJudge(Home, Policy(Home), Network).MayStay(connection), what);
    }

    private static TrackedConnection Tracked(string from, string to, ushort port, uint mark = 0, string? answeredBy = null) => new(
        TransportProtocol.Tcp, IPAddress.Parse(from), 40000, IPAddress.Parse(to), port, IPAddress.Parse(answeredBy ?? to), port, mark, 7);

    private static HomeState After(params Change[] changes) => changes.Aggregate(HomeState.Empty, (state, change) => change.Apply(state));

    private static FencePolicy Policy(HomeState state) => FencePolicy.From(state, Network, ImmutableDictionary<IPAddress, MacAddress>.Empty, Now);

    private static byte[] Bytes(HomeState state)
    {
        using var transaction = new NftTransaction();
        FenceTable.WritePolicy(transaction, Policy(state), Network);
        return transaction.Json.ToArray();
    }

    // One command on a line, so that a difference reads like one. GATEHOUSE_GOLDEN=write writes the files anew, to be reviewed like code.
    private static void AssertGolden(string name, NftTransaction transaction)
    {
        var commands = JsonNode.Parse(transaction.Json.ToArray())!["nftables"]!.AsArray().Select(command => command!.ToJsonString(new JsonSerializerOptions { WriteIndented = false }));
        var written = string.Join('\n', commands) + "\n";
        var path = Path.Combine(SourceFolder(), "Golden", name);
        if (Environment.GetEnvironmentVariable("GATEHOUSE_GOLDEN") == "write") File.WriteAllText(path, written);

        Assert.Equal(File.ReadAllText(path), written);
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
