using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Gatehouse.Fence;
using Gatehouse.Home;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Fence;

/// <summary>The fence in the real kernel, each attack carried out by a real device against it.</summary>
[Collection("kernel"), Trait("Needs", "kernel")]
public sealed class FenceKernelTests
{
    private static readonly TransportPort Tcp443 = new(TransportProtocol.Tcp, 443);

    [Fact]
    public async Task Thing_reaches_nothing_and_a_computer_everything()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        var laptop = await network.AddAsync("laptop", 11, DeviceClass.Computer);
        using var server = network.Internet.TcpEcho(443);

        Assert.False(await thing.CanConnectAsync(TestNetwork.Cloud, 443));
        Assert.True(await laptop.CanConnectAsync(TestNetwork.Cloud, 443));
    }

    [Fact]
    public async Task Grant_opens_exactly_one_thing_address_and_port()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        var other = await network.AddAsync("lamp", 12);
        using var server = network.Internet.TcpEcho(443);
        using var second = network.Internet.TcpEcho(8883);
        var permission = await network.PermitAsync(thing, "cloud.example", Tcp443);

        Assert.Equal(GrantOutcome.Open, network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(1)));

        Assert.True(await thing.CanConnectAsync(TestNetwork.Cloud, 443));
        Assert.False(await thing.CanConnectAsync(TestNetwork.Cloud, 8883), "another port");
        Assert.False(await thing.CanConnectAsync(TestNetwork.Victim, 443), "another address");
        Assert.False(await other.CanConnectAsync(TestNetwork.Cloud, 443), "another Thing");
    }

    [Fact]
    public async Task Thing_does_not_reach_another_on_the_same_bridge_but_a_computer_prints()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        var printer = await network.AddAsync("printer", 12);
        var laptop = await network.AddAsync("laptop", 11, DeviceClass.Computer);
        using var ipp = printer.TcpEcho(631);
        using var ssh = laptop.TcpEcho(22);

        Assert.False(await thing.CanConnectAsync(printer.Address, 631), "Thing to Thing");
        Assert.False(await thing.CanConnectAsync(laptop.Address, 22), "Thing to computer");
        Assert.True(await laptop.CanConnectAsync(printer.Address, 631), "computer to printer");
    }

    [Fact]
    public async Task Cut_off_kills_what_is_established()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("recorder", 10);
        using var server = network.Internet.TcpEcho(443);
        var permission = await network.PermitAsync(thing, "cloud.example", Tcp443);
        network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(1));
        using var line = await thing.ConnectAsync(TestNetwork.Cloud, 443);
        Assert.True(await EchoesAsync(line!));

        await network.ApplyAsync(new RestraintSet(thing.Mac, Restraint.CutOff, "It floods.") { At = network.Now });

        Assert.False(await EchoesAsync(line!));
        Assert.DoesNotContain("192.168.77.10", TestNetwork.Run("conntrack", "-L"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Thing_that_is_cut_off_still_answers_the_gateway_and_so_can_be_cured()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("recorder", 10);
        var laptop = await network.AddAsync("laptop", 11, DeviceClass.Computer);
        using var web = thing.TcpEcho(80);
        using var gateway = TestHost.EchoHere(8080);

        await network.ApplyAsync(new RestraintSet(thing.Mac, Restraint.CutOff, "It floods.") { At = network.Now });

        using var ours = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await ours.ConnectAsync(new IPEndPoint(thing.Address, 80), new CancellationTokenSource(TimeSpan.FromSeconds(2)).Token);
        Assert.True(await EchoesAsync(ours));
        Assert.False(await laptop.CanConnectAsync(thing.Address, 80), "a computer to the Thing that is cut off");
        Assert.False(await thing.CanConnectAsync(TestNetwork.GatewayAddress, 8080), "the Thing to the gateway");
        Assert.True(network.Fence.Counters().Of(thing.Mac).CutOff.Packets > 0);
    }

    [Fact]
    public async Task Permission_taken_back_ends_its_connections_and_no_others()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        using var server = network.Internet.TcpEcho(443);
        var cloud = await network.PermitAsync(thing, "cloud.example", Tcp443);
        var shop = await network.PermitAsync(thing, "shop.example", Tcp443);
        network.Fence.Grant(cloud, [TestNetwork.Cloud], TimeSpan.FromMinutes(1));
        network.Fence.Grant(shop, [TestNetwork.Victim], TimeSpan.FromMinutes(1));
        using var first = await thing.ConnectAsync(TestNetwork.Cloud, 443);
        using var second = await thing.ConnectAsync(TestNetwork.Victim, 443);

        await network.ApplyAsync(new PermissionRevoked(cloud.Id) { At = network.Now });

        Assert.False(await EchoesAsync(first!));
        Assert.True(await EchoesAsync(second!));
        Assert.False(await thing.CanConnectAsync(TestNetwork.Cloud, 443));
        Assert.Equal(GrantOutcome.NotPermitted, network.Fence.Grant(cloud, [TestNetwork.Cloud], TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task Forged_source_address_is_dropped_and_counted()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        var other = await network.AddAsync("lamp", 12);
        using var server = network.Internet.TcpEcho(443);
        var permission = await network.PermitAsync(thing, "cloud.example", Tcp443);
        network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(1));
        thing.Run("ip", "addr", "add", "192.168.77.200/24", "dev", "eth0");
        thing.Run("ip", "addr", "add", "192.0.2.7/32", "dev", "eth0");

        using var ownAddress = await thing.ConnectAsync(TestNetwork.Cloud, 443);
        using var freeAddress = await thing.ConnectAsync(TestNetwork.Cloud, 443, IPAddress.Parse("192.168.77.200"));
        using var foreignAddress = await thing.ConnectAsync(TestNetwork.Cloud, 443, IPAddress.Parse("192.0.2.7"));

        Assert.NotNull(ownAddress);
        Assert.Null(freeAddress);
        Assert.Null(foreignAddress);
        Assert.True(network.Fence.Counters().Of(thing.Mac).Forged.Packets >= 2);
        Assert.Equal(0, network.Fence.Counters().Of(other.Mac).Forged.Packets);
    }

    [Fact]
    public async Task Thing_that_claims_a_leased_address_does_not_take_it_from_its_owner()
    {
        await using var network = await TestNetwork.StartAsync();
        var laptop = await network.AddAsync("laptop", 11, DeviceClass.Computer);
        var thing = await network.AddAsync("plug", 10);
        using var server = network.Internet.TcpEcho(443);
        network.Fence.SetLeases(ImmutableDictionary<IPAddress, MacAddress>.Empty.Add(laptop.Address, laptop.Mac));

        await network.ApplyAsync(new ThingSeen(thing.Mac, laptop.Address, null) { At = network.Now });

        Assert.True(await laptop.CanConnectAsync(TestNetwork.Cloud, 443));
        Assert.Equal(laptop.Mac, network.Fence.Identify(laptop.Address));
    }

    [Fact]
    public async Task Computer_with_an_address_of_its_own_choosing_stays_on_line()
    {
        await using var network = await TestNetwork.StartAsync();
        var laptop = await network.AddAsync("laptop", 11, DeviceClass.Computer);
        using var server = network.Internet.TcpEcho(443);
        laptop.Run("ip", "addr", "add", "192.168.77.222/24", "dev", "eth0");

        using var line = await laptop.ConnectAsync(TestNetwork.Cloud, 443, IPAddress.Parse("192.168.77.222"));

        Assert.NotNull(line);
    }

    [Fact]
    public async Task Throttle_holds_an_established_flood_and_lets_the_others_be()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("recorder", 10);
        var laptop = await network.AddAsync("laptop", 11, DeviceClass.Computer);
        using var server = network.Internet.TcpEcho(443);
        using var sink = network.Internet.Socket(SocketType.Dgram);
        sink.Bind(new IPEndPoint(TestNetwork.Cloud, 9999));
        var permission = await network.PermitAsync(thing, "cloud.example", new TransportPort(TransportProtocol.Udp, 9999));
        network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(1));
        using var flood = thing.Socket(SocketType.Dgram);
        flood.Connect(new IPEndPoint(TestNetwork.Cloud, 9999));
        Assert.Equal(200, await FloodAsync(flood, sink, 200));

        await network.ApplyAsync(new RestraintSet(thing.Mac, Restraint.Throttled, "It floods.") { At = network.Now });

        // 300 packets in well under a second: the burst and a second's worth at most.
        Assert.InRange(await FloodAsync(flood, sink, 300), 1, 60);
        Assert.True(network.Fence.Counters().Of(thing.Mac).Throttled.Packets >= 240);
        Assert.True(await laptop.CanConnectAsync(TestNetwork.Cloud, 443));
    }

    [Fact]
    public async Task Port_forward_of_others_is_found_stays_open_and_can_be_closed()
    {
        await using var network = await TestNetwork.StartAsync();
        TestNetwork.Run("nft", "add", "table", "ip", "router");
        TestNetwork.Run("nft", "add", "chain", "ip", "router", "forwards", "{ type nat hook prerouting priority dstnat; }");
        TestNetwork.Run("nft", "add", "rule", "ip", "router", "forwards", "iifname", "wan0", "tcp", "dport", "2323", "dnat", "to", "192.168.77.10:23");
        var thing = await network.AddAsync("recorder", 10);
        using var telnet = thing.TcpEcho(23);
        using var web = thing.TcpEcho(80);
        await network.UntilAsync(() => network.Record.Current.OpenQuestions.Any());
        var forward = Assert.Single(network.Record.Current.PortForwards.Values);
        Assert.Equal((TransportProtocol.Tcp, (ushort)2323, "192.168.77.10", (ushort)23, true), (forward.Protocol, forward.WanPort, forward.Address, forward.ThingPort, forward.IsOpen));
        Assert.Equal(thing.Mac, forward.Thing);
        using var before = await network.Internet.ConnectAsync(TestNetwork.WanAddress, 2323);
        Assert.True(await EchoesAsync(before!));

        var question = network.Record.Current.OpenQuestions.Single(question => question.Kind == QuestionKind.PortForward);
        await network.ApplyAsync(new QuestionAnswered(question.Id, Answer.No) { At = network.Now });

        Assert.False(await EchoesAsync(before!));
        Assert.False(await network.Internet.CanConnectAsync(TestNetwork.WanAddress, 2323));
        await network.ApplyAsync(new PortForwardSet(forward.Id, true) { At = network.Now });
        Assert.True(await network.Internet.CanConnectAsync(TestNetwork.WanAddress, 2323));
    }

    [Fact]
    public async Task Way_in_that_is_not_a_known_forward_is_shut()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("recorder", 10);
        using var web = thing.TcpEcho(80);
        using var ours = TestHost.EchoHere(8080);
        network.Internet.Run("ip", "route", "add", "192.168.77.0/24", "via", "198.51.100.1");

        Assert.False(await network.Internet.CanConnectAsync(thing.Address, 80), "routed straight to the Thing");
        Assert.False(await network.Internet.CanConnectAsync(TestNetwork.WanAddress, 8080), "to the gateway itself");
    }

    [Fact]
    public async Task Restart_adopts_grants_and_the_connections_they_opened()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        using var server = network.Internet.TcpEcho(443);
        var permission = await network.PermitAsync(thing, "cloud.example", Tcp443);
        network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(1));
        using var line = await thing.ConnectAsync(TestNetwork.Cloud, 443);

        await network.CrashFenceAsync();
        Assert.True(await EchoesAsync(line!), "while the gateway is dead");
        Assert.True(await thing.CanConnectAsync(TestNetwork.Cloud, 443), "while the gateway is dead");
        Assert.False(await thing.CanConnectAsync(TestNetwork.Victim, 443), "while the gateway is dead");
        await network.StartFenceAsync();

        Assert.Equal(1, network.Fence.GrantCount);
        Assert.True(await EchoesAsync(line!));
        Assert.True(await thing.CanConnectAsync(TestNetwork.Cloud, 443));
        await network.ApplyAsync(new PermissionRevoked(permission.Id) { At = network.Now });
        Assert.False(await EchoesAsync(line!), "taken back after the restart");
    }

    [Fact]
    public async Task Permission_taken_back_while_the_gateway_was_dead_is_gone_when_it_is_back()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        using var server = network.Internet.TcpEcho(443);
        var permission = await network.PermitAsync(thing, "cloud.example", Tcp443);
        network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(1));
        using var line = await thing.ConnectAsync(TestNetwork.Cloud, 443);
        await network.CrashFenceAsync();
        await network.Record.ApplyAsync(new PermissionRevoked(permission.Id) { At = network.Now }, CancellationToken.None);

        await network.StartFenceAsync();

        Assert.Equal(0, network.Fence.GrantCount);
        Assert.False(await EchoesAsync(line!));
        Assert.False(await thing.CanConnectAsync(TestNetwork.Cloud, 443));
    }

    [Fact]
    public async Task Table_of_another_version_is_replaced_and_its_grants_carried_over()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        using var server = network.Internet.TcpEcho(443);
        var permission = await network.PermitAsync(thing, "cloud.example", Tcp443);
        network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(1));
        await network.CrashFenceAsync();
        TestNetwork.Run("nft", "delete", "chain", "inet", "gatehouse", "version_1");
        TestNetwork.Run("nft", "add", "chain", "inet", "gatehouse", "left_by_another_version");

        await network.StartFenceAsync();

        Assert.DoesNotContain("left_by_another_version", TestNetwork.Run("nft", "list", "ruleset"), StringComparison.Ordinal);
        Assert.Equal(1, network.Fence.GrantCount);
        Assert.True(await thing.CanConnectAsync(TestNetwork.Cloud, 443));
    }

    [Fact]
    public async Task Down_puts_back_exactly_what_was_there()
    {
        await using var network = await TestNetwork.StartAsync();
        await network.AddAsync("plug", 10);
        await network.StopFenceAsync();
        TestNetwork.Run("nft", "add", "table", "ip", "owners_own");
        TestNetwork.Run("nft", "add", "chain", "ip", "owners_own", "forward", "{ type filter hook forward priority 0; policy accept; }");
        TestNetwork.Run("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv4.conf.all.accept_redirects=0", "net.ipv4.conf.wan0.forwarding=1", "net.ipv4.conf.br-lan.send_redirects=1");
        TestNetwork.Run("ip", "addr", "del", "192.168.77.1/24", "dev", "br-lan");
        var (rules, settings, ports, addresses) = Everything();

        await network.StartFenceAsync();
        Assert.NotEqual((rules, settings, ports, addresses), Everything());
        await network.CrashFenceAsync();
        await network.StartFenceAsync();
        await network.StopFenceAsync();

        Assert.Equal((rules, settings, ports, addresses), Everything());

        static (string, string, string, string) Everything() => (TestNetwork.Run("nft", "list", "ruleset"), TestNetwork.Run("sysctl", "net.ipv4"),
            TestNetwork.Run("bridge", "-d", "link", "show"), TestNetwork.Run("ip", "-4", "addr", "show", "dev", "br-lan"));
    }

    [Fact]
    public async Task Panic_lets_out_until_its_time_even_if_the_gateway_dies_and_leaves_restraints_alone()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        var bad = await network.AddAsync("recorder", 12);
        using var server = network.Internet.TcpEcho(443);
        await network.ApplyAsync(new RestraintSet(bad.Mac, Restraint.CutOff, "It floods.") { At = network.Now });

        await network.ApplyAsync(new PanicSet(network.Now + TimeSpan.FromSeconds(4)) { At = network.Now });

        Assert.True(await thing.CanConnectAsync(TestNetwork.Cloud, 443));
        Assert.False(await bad.CanConnectAsync(TestNetwork.Cloud, 443));
        await network.CrashFenceAsync();
        await Task.Delay(TimeSpan.FromSeconds(5));
        Assert.False(await thing.CanConnectAsync(TestNetwork.Cloud, 443), "the kernel ends it by itself");
    }

    [Fact]
    public async Task End_of_panic_ends_the_connections_made_in_it()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        using var server = network.Internet.TcpEcho(443);
        await network.ApplyAsync(new PanicSet(network.Now + TimeSpan.FromMinutes(10)) { At = network.Now });
        using var line = await thing.ConnectAsync(TestNetwork.Cloud, 443);
        Assert.True(await EchoesAsync(line!));

        await network.ApplyAsync(new PanicSet(null) { At = network.Now });

        Assert.False(await EchoesAsync(line!));
    }

    [Fact]
    public async Task Watching_blocks_nothing_and_counts_what_it_would_have()
    {
        await using var network = await TestNetwork.StartAsync();
        await network.ApplyAsync(new ModeSet(GuardMode.Watching) { At = network.Now });
        var thing = await network.AddAsync("plug", 10);
        using var server = network.Internet.TcpEcho(443);
        using var line = await thing.ConnectAsync(TestNetwork.Cloud, 443);
        Assert.True(await EchoesAsync(line!));
        Assert.True(network.Fence.Counters().Of(thing.Mac).Blocked.Packets > 0);

        await network.ApplyAsync(new ModeSet(GuardMode.Guarding) { At = network.Now });

        Assert.False(await EchoesAsync(line!));
        Assert.False(await thing.CanConnectAsync(TestNetwork.Cloud, 443));
    }

    [Fact]
    public async Task Prefix_permission_opens_its_prefix_and_ends_with_it()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        using var server = network.Internet.TcpEcho(443);
        await network.ApplyAsync(new PermissionGranted(thing.Mac, null, "203.0.113.0/28", [Tcp443], PermissionOrigin.Owner) { At = network.Now });
        await network.ApplyAsync(new PermissionGranted(thing.Mac, null, "203.0.113.9", [Tcp443], PermissionOrigin.Owner) { At = network.Now });

        using var line = await thing.ConnectAsync(TestNetwork.Cloud, 443);
        Assert.True(await EchoesAsync(line!));
        Assert.False(await thing.CanConnectAsync(TestNetwork.Victim, 443), "outside the prefix");

        foreach (var permission in network.Record.Current.Permissions.Values) await network.ApplyAsync(new PermissionRevoked(permission.Id) { At = network.Now });
        Assert.False(await EchoesAsync(line!));
    }

    [Fact]
    public async Task Plain_web_of_a_fenced_device_is_led_to_the_page_that_says_so()
    {
        await using var network = await TestNetwork.StartAsync(network => network with { FencedPagePort = 8099 });
        var thing = await network.AddAsync("plug", 10);
        using var page = TestHost.EchoHere(8099);
        using var cloud = network.Internet.TcpEcho(80);
        var permission = await network.PermitAsync(thing, "cloud.example", new TransportPort(TransportProtocol.Tcp, 80));
        network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(1));

        using var led = await thing.ConnectAsync(TestNetwork.Victim, 80);
        using var allowed = await thing.ConnectAsync(TestNetwork.Cloud, 80);

        Assert.True(await EchoesAsync(led!));
        Assert.True(await EchoesAsync(allowed!));
        Assert.False(await thing.CanConnectAsync(TestNetwork.GatewayAddress, 8099), "the page's port itself");
    }

    [Fact]
    public async Task One_thing_cannot_use_up_the_grants()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        var other = await network.AddAsync("lamp", 12);
        var permission = await network.PermitAsync(thing, "*.cloud.example", Tcp443);
        var others = await network.PermitAsync(other, "cloud.example", Tcp443);
        for (var i = 0; i < FenceService.MaxGrantsPerThing / 16; i++)
        {
            var addresses = Enumerable.Range(0, 16).Select(host => IPAddress.Parse($"203.0.{i}.{host}")).ToList();
            Assert.Equal(GrantOutcome.Open, network.Fence.Grant(permission, addresses, TimeSpan.FromMinutes(5)));
        }

        Assert.Equal(GrantOutcome.Full, network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(5)));
        Assert.Equal(GrantOutcome.Open, network.Fence.Grant(others, [TestNetwork.Cloud], TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public async Task Grant_is_made_longer_and_one_that_just_expired_is_made_anew()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        using var server = network.Internet.TcpEcho(443);
        var permission = await network.PermitAsync(thing, "cloud.example", Tcp443);
        network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromSeconds(1));
        network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromSeconds(100));
        await Task.Delay(1500);
        Assert.True(await thing.CanConnectAsync(TestNetwork.Cloud, 443), "made longer");

        TestNetwork.Run("nft", "flush", "map", "inet", "gatehouse", "grants");
        Assert.Equal(GrantOutcome.Open, network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromSeconds(200)));

        Assert.True(await thing.CanConnectAsync(TestNetwork.Cloud, 443), "gone from the kernel, known to us");
    }

    [Fact]
    public async Task Laptop_does_not_notice_a_hundred_changes_of_policy()
    {
        await using var network = await TestNetwork.StartAsync();
        var laptop = await network.AddAsync("laptop", 11, DeviceClass.Computer);
        var thing = await network.AddAsync("plug", 10);
        using var server = network.Internet.TcpEcho(443);
        using var line = await laptop.ConnectAsync(TestNetwork.Cloud, 443);

        for (var i = 0; i < 50; i++)
        {
            await network.ApplyAsync(new RestraintSet(thing.Mac, Restraint.CutOff, $"{i}") { At = network.Now });
            await network.ApplyAsync(new RestraintSet(thing.Mac, Restraint.None, $"{i}") { At = network.Now });
            Assert.True(await EchoesAsync(line!), $"change {i}");
        }
    }

    [Fact]
    public async Task Port_that_joins_the_bridge_later_is_isolated_by_itself()
    {
        await using var network = await TestNetwork.StartAsync();
        using var stop = new CancellationTokenSource();
        var running = network.Setup.RunAsync(stop.Token);
        TestNetwork.Run("ip", "link", "add", "p-late", "type", "veth", "peer", "name", "late0");

        TestNetwork.Run("ip", "link", "set", "p-late", "master", "br-lan");

        await network.UntilAsync(() => TestNetwork.Run("bridge", "-d", "link", "show", "dev", "p-late").Contains("isolated on", StringComparison.Ordinal));
        await stop.CancelAsync();
        await running;
    }

    private static async Task<int> FloodAsync(Socket from, Socket to, int count)
    {
        for (var i = 0; i < count; i++) await from.SendAsync(new byte[64]);
        var arrived = 0;
        var buffer = new byte[2048];
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        try
        {
            while (true)
            {
                await to.ReceiveAsync(buffer, limit.Token);
                arrived++;
            }
        }
        catch (OperationCanceledException)
        {
            return arrived;
        }
    }

    /// <summary>Sends a few bytes over an open connection; true where they come back within a moment.</summary>
    internal static async Task<bool> EchoesAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(700));
        try
        {
            var ball = Encoding.ASCII.GetBytes(Guid.NewGuid().ToString());
            await socket.SendAsync(ball, limit.Token);
            var back = new byte[ball.Length];
            for (var count = 0; count < back.Length;)
            {
                var more = await socket.ReceiveAsync(back.AsMemory(count), limit.Token);
                if (more == 0) return false;
                count += more;
            }

            return back.AsSpan().SequenceEqual(ball);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return false;
        }
    }
}
