using System.Net;
using Gatehouse.Fence;
using Gatehouse.Fence.Addresses;
using Gatehouse.Fence.Names;
using Gatehouse.Fence.Time;
using Gatehouse.Home;
using Gatehouse.Wire;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gatehouse.Tests.Gateway.Fence;

/// <summary>The decisions about names, addresses and time that need no kernel.</summary>
public sealed class NamesTests
{
    private static readonly MacAddress Plug = MacAddress.Parse("02:00:00:00:00:10");
    private static readonly GatewayNetwork Network = new("br-lan", "wan0", IPAddress.Parse("192.168.77.1"), 24) { OwnAddresses = [IPAddress.Parse("198.51.100.1")] };
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    public static TheoryData<string, string, bool> Coverings => new()
    {
        { "cloud.example", "cloud.example", true }, { "cloud.example", "CLOUD.example", true }, { "cloud.example", "a.cloud.example", false },
        { "cloud.example", "evilcloud.example", false }, { "*.cloud.example", "a.cloud.example", true }, { "*.cloud.example", "a.b.cloud.example", true },
        { "*.cloud.example", "cloud.example", false }, { "*.cloud.example", "a.evilcloud.example", false }, { "*.cloud.example", "a\\.cloud.example", false },
        { "*", "cloud.example", false }, { "*.", "cloud.example", false }, { "", "cloud.example", false }, { "cl*d.example", "cloud.example", false },
    };

    [Theory, MemberData(nameof(Coverings))]
    public void Permission_covers_its_name_or_what_is_below_its_star(string allowed, string name, bool covers) =>
        Assert.Equal(covers, NameRules.Covers(allowed, DnsName.Parse(name)));

    [Fact]
    public void Exact_permission_is_taken_before_a_wildcard_and_the_longer_wildcard_before_the_shorter()
    {
        var state = new[] { "*.example", "*.cloud.example", "a.cloud.example" }
            .Aggregate(HomeState.Empty, (state, name) => new PermissionGranted(Plug, name, null, Permission.UsualPorts, PermissionOrigin.Owner) { At = Now }.Apply(state));

        Assert.Equal("a.cloud.example", NameRules.Find(state, Plug, DnsName.Parse("a.cloud.example"))?.Name);
        Assert.Equal("*.cloud.example", NameRules.Find(state, Plug, DnsName.Parse("b.cloud.example"))?.Name);
        Assert.Equal("*.example", NameRules.Find(state, Plug, DnsName.Parse("c.example"))?.Name);
        Assert.Null(NameRules.Find(state, MacAddress.Parse("02:00:00:00:00:99"), DnsName.Parse("a.cloud.example")));
    }

    public static TheoryData<string, bool> Askable => new()
    {
        { "cloud.example", true }, { "_mqtt._tcp.cloud.example", true }, { "cloud", false }, { ".", false }, { "printer.local", false }, { "wpad.home.arpa", false },
        { "1.0.0.127.in-addr.arpa", false }, { "router.lan", false }, { "say\\032yes.example", false }, { "xn--e1afmkfd.example", true }, { "\\195\\169.example", false }, { "a<b.example", false },
    };

    [Theory, MemberData(nameof(Askable))]
    public void Only_a_plain_name_of_the_world_is_put_to_the_owner(string name, bool asked) => Assert.Equal(asked, NameRules.IsWorthAsking(DnsName.Parse(name)));

    public static TheoryData<string, bool> Targets => new()
    {
        { "203.0.113.9", true }, { "192.168.77.12", false }, { "192.168.77.1", false }, { "198.51.100.1", false }, { "192.168.1.1", false }, { "10.0.0.1", false }, { "172.16.0.1", false },
        { "100.64.0.1", false }, { "127.0.0.1", false }, { "169.254.169.254", false }, { "0.0.0.0", false }, { "0.1.2.3", false }, { "224.0.0.251", false }, { "255.255.255.255", false }, { "2001:db8::1", false },
    };

    [Theory, MemberData(nameof(Targets))]
    public void Answer_leads_a_thing_out_never_in(string address, bool may) => Assert.Equal(may, NameRules.MayLeadTo(IPAddress.Parse(address), Network));

    [Fact]
    public void Chain_is_followed_and_what_is_beside_it_is_left_out()
    {
        var answer = new DnsMessage
        {
            Answers =
            [
                A("cdn.example", "203.0.113.9"), Alias("cloud.example", "edge.example"), A("other.example", "203.0.113.66"), Alias("edge.example", "cdn.example"),
            ],
        };

        var chain = AnswerChain.Follow(answer, new(DnsName.Parse("cloud.example"), DnsType.A, 1));

        Assert.Equal(["cloud.example CNAME", "edge.example CNAME", "cdn.example A"], chain.Select(record => $"{record.Name} {record.Type}"));
    }

    [Fact]
    public void Chain_that_bites_its_tail_is_empty()
    {
        var answer = new DnsMessage { Answers = [Alias("a.example", "b.example"), Alias("b.example", "a.example")] };

        Assert.Empty(AnswerChain.Follow(answer, new(DnsName.Parse("a.example"), DnsType.A, 1)));
    }

    public static TheoryData<uint, double> Lifetimes => new() { { 0, 6 }, { 60, 6 }, { 600, 11 }, { 3600, 61 }, { uint.MaxValue, 61 } };

    [Theory, MemberData(nameof(Lifetimes))]
    public void Grant_lasts_as_long_as_the_answer_within_floor_and_cap_and_a_minute_more(uint ttl, double minutes) =>
        Assert.Equal(TimeSpan.FromMinutes(minutes), DnsForwarder.GrantLifetime(ttl));

    [Fact]
    public void Cache_counts_down_and_forgets()
    {
        var time = new FakeTimeProvider(Now);
        var cache = new AnswerCache(10, time);
        var key = Key("cloud.example");
        cache.Add(key, Positive("cloud.example", 60));

        time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(1u, cache.Find(key)!.Answers[0].Ttl);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(cache.Find(key));
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void Full_cache_forgets_what_was_used_longest_ago()
    {
        var cache = new AnswerCache(2, new FakeTimeProvider(Now));
        cache.Add(Key("a.example"), Positive("a.example", 60));
        cache.Add(Key("b.example"), Positive("b.example", 60));
        cache.Find(Key("a.example"));
        cache.Add(Key("c.example"), Positive("c.example", 60));

        Assert.Equal(2, cache.Count);
        Assert.Null(cache.Find(Key("b.example")));
        Assert.NotNull(cache.Find(Key("a.example")));
    }

    [Fact]
    public void What_is_not_to_be_kept_is_not_kept()
    {
        var soa = new DnsRecord(DnsName.Parse("example"), DnsType.SOA, 1, 3600, new DnsStartOfAuthority(DnsName.Root, DnsName.Root, 1, 1, 1, 1, 30));

        Assert.Equal(TimeSpan.Zero, AnswerCache.LifeOf(new DnsMessage { ResponseCode = DnsResponseCode.ServerFailure }));
        Assert.Equal(TimeSpan.Zero, AnswerCache.LifeOf(new DnsMessage { ResponseCode = DnsResponseCode.NameError }));
        Assert.Equal(TimeSpan.Zero, AnswerCache.LifeOf(Positive("a.example", 0)));
        Assert.Equal(TimeSpan.FromSeconds(30), AnswerCache.LifeOf(new DnsMessage { ResponseCode = DnsResponseCode.NameError, Authorities = [soa] }));
        Assert.Equal(AnswerCache.MaxAge, AnswerCache.LifeOf(Positive("a.example", uint.MaxValue)));
    }

    [Fact]
    public void Things_of_one_name_get_a_number_and_hostile_names_become_plain()
    {
        var state = new[] { ("02:00:00:00:00:21", "192.168.77.21", "Plug"), ("02:00:00:00:00:22", "192.168.77.22", "plug"), ("02:00:00:00:00:23", "192.168.77.23", "../..\n<b>é") }
            .Aggregate(HomeState.Empty, (state, thing) => new ThingSeen(MacAddress.Parse(thing.Item1), IPAddress.Parse(thing.Item2), thing.Item3) { At = Now }.Apply(state));
        var names = LocalNames.From(state, Network);

        Assert.Equal("192.168.77.21", Local(names, "plug.home.arpa"));
        Assert.Equal("192.168.77.22", Local(names, "plug-2.home.arpa"));
        Assert.Equal("192.168.77.23", Local(names, "b.home.arpa"));
        Assert.Null(Local(names, "plug-3.home.arpa"));
        Assert.Equal("plug-2.home.arpa", (names.Find(new(DnsName.Parse("22.77.168.192.in-addr.arpa"), DnsType.PTR, 1), out _)?.Data as DnsPointer)?.Target.ToString());
        Assert.True(LocalNames.IsOurs(DnsName.Parse("9.77.168.192.in-addr.arpa"), Network));
        Assert.False(LocalNames.IsOurs(DnsName.Parse("9.78.168.192.in-addr.arpa"), Network));
    }

    [Fact]
    public void Leases_are_read_and_torn_lines_passed_over()
    {
        var text = "0 02:00:00:00:00:10 192.168.77.20 plug 01:02\n"
                   + "3600 02:00:00:00:00:11 192.168.77.21 * *\n"
                   + "-5 02:00:00:00:00:12 192.168.77.22 * *\n"
                   + "1 02:00:00:00:00:13 192.168.77.23 ended *\n"
                   + "99999999999999999999 02:00:00:00:00:14 192.168.77.24 * *\n"
                   + "3600 not-a-mac 192.168.77.25 * *\n"
                   + "3600 02:00:00:00:00:16 2001:db8::1 * *\n"
                   + "duid 00:01:00:01\n"
                   + "3600 02:00:00:00:00:17 192.168.7";

        var leases = Leases.Read(text, Now + TimeSpan.FromSeconds(10));

        Assert.Equal([(Plug, "192.168.77.20", "plug"), (MacAddress.Parse("02:00:00:00:00:11"), "192.168.77.21", null)],
            leases.Select(lease => (lease.Mac, lease.Address.ToString(), lease.HostName)));
    }

    public static TheoryData<string, int, string, string> Pools => new()
    {
        { "192.168.77.1", 24, "192.168.77.20", "192.168.77.254" }, { "10.0.0.1", 16, "10.0.0.20", "10.0.3.251" }, { "192.168.77.1", 30, "192.168.77.1", "192.168.77.2" },
    };

    [Theory, MemberData(nameof(Pools))]
    public void Pool_is_within_the_prefix(string gateway, int length, string first, string last)
    {
        var (from, to) = DhcpServer.Pool(new GatewayNetwork("br-lan", "wan0", IPAddress.Parse(gateway), length));

        Assert.Equal((first, last), (from.ToString(), to.ToString()));
    }

    [Fact]
    public void Time_is_answered_with_the_askers_stamp()
    {
        var question = new byte[NtpPacket.Size];
        new NtpPacket(0, 4, NtpPacket.Client, 0, 6, 0, 0, 0, 0, 0, 0x1122334455667788).Write(question);
        var answer = new byte[NtpPacket.Size];

        Assert.True(NtpServer.TryAnswer(question, new DateTimeOffset(2026, 1, 1, 0, 0, 0, 500, TimeSpan.Zero), true, answer));

        Assert.True(NtpPacket.TryParse(answer, out var read));
        Assert.Equal((NtpPacket.Server, (byte)4, (byte)3, 0x1122334455667788ul), (read.Mode, read.Version, read.Stratum, read.Origin));
        Assert.Equal(3976214400ul << 32 | 0x8000_0000, read.Transmit);
    }

    public static TheoryData<string, byte[]> NoQuestions => new()
    {
        { "empty", [] }, { "one byte short", new byte[47] }, { "a server's answer", [0x24, .. new byte[47]] }, { "control message", [0x16, .. new byte[47]] }, { "version 7", [0x3B, .. new byte[47]] }, { "symmetric", [0x21, .. new byte[47]] },
    };

    [Theory, MemberData(nameof(NoQuestions))]
    public void What_is_no_question_for_the_time_is_not_answered(string why, byte[] datagram) =>
        Assert.False(NtpServer.TryAnswer(datagram, Now, true, new byte[NtpPacket.Size]), why);

    public static TheoryData<string, string[], int> Rules => new()
    {
        { """{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"wan0"}},{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":2323}},{"dnat":{"addr":"192.168.77.12","port":23}}""", ["Tcp 2323 192.168.77.12 23"], 0 },
        { """{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":{"set":[5000,{"range":[6000,6001]}]}}},{"dnat":{"addr":"192.168.77.12"}}""", ["Udp 5000 192.168.77.12 5000", "Udp 6000 192.168.77.12 6000", "Udp 6001 192.168.77.12 6001"], 0 },
        { """{"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":6}},{"match":{"op":"==","left":{"payload":{"protocol":"th","field":"dport"}},"right":80}},{"counter":{"packets":1,"bytes":2}},{"dnat":{"family":"ip","addr":"192.168.77.12","port":8080}}""", ["Tcp 80 192.168.77.12 8080"], 0 },
        { """{"dnat":{"addr":{"map":{"key":{"payload":{"protocol":"tcp","field":"dport"}},"data":"@ports"}}}}""", [], 1 },
        { """{"xt":{"type":"target","name":"DNAT"}}""", [], 1 },
        { """{"xt":null},{"accept":null}""", [], 0 },
        { """{"match":{"op":"!=","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":22}},{"dnat":{"addr":"192.168.77.12"}}""", [], 1 },
        { """{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":"http"}},{"dnat":{"addr":"attacker.example"}}""", [], 1 },
    };

    [Theory, MemberData(nameof(Rules))]
    public void Ways_in_are_read_from_others_rules(string expressions, string[] expected, int unreadable)
    {
        var json = $$$"""{"nftables":[{"metainfo":{}},{"rule":{"family":"ip","table":"router","chain":"forwards","handle":1,"expr":[{{{expressions}}}]}},{"rule":{"family":"inet","table":"gatehouse","chain":"x","handle":1,"expr":[{{{expressions}}}]}}]}""";

        var found = PortForwards.Read(json, out var notRead);

        Assert.Equal(expected, found.Select(forward => $"{forward.Protocol} {forward.WanPort} {forward.Address} {forward.ThingPort}"));
        Assert.Equal(unreadable, notRead);
    }

    private static string? Local(LocalNames names, string name) => (names.Find(new(DnsName.Parse(name), DnsType.A, 1), out _)?.Data as DnsAddress)?.Address.ToString();

    private static CacheKey Key(string name) => new(new(DnsName.Parse(name), DnsType.A, 1), false, false);

    private static DnsMessage Positive(string name, uint ttl) => new() { Answers = [A(name, "203.0.113.9", ttl)] };

    private static DnsRecord A(string name, string address, uint ttl = 60) => new(DnsName.Parse(name), DnsType.A, 1, ttl, new DnsAddress(IPAddress.Parse(address)));

    private static DnsRecord Alias(string name, string target) => new(DnsName.Parse(name), DnsType.CNAME, 1, 60, new DnsPointer(DnsName.Parse(target)));
}
