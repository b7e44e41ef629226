using System.Net;
using System.Net.Sockets;
using Gatehouse.Fence;
using Gatehouse.Fence.Names;
using Gatehouse.Home;
using Gatehouse.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Fence;

/// <summary>The forwarder and the kernel together: what an answer opens, and what it does not.</summary>
[Collection("kernel"), Trait("Needs", "kernel")]
public sealed class DnsForwarderTests
{
    private static readonly TransportPort Tcp443 = new(TransportProtocol.Tcp, 443);

    [Fact]
    public async Task Name_that_is_not_allowed_does_not_exist_and_becomes_a_question()
    {
        await using var home = await NamedHome.StartAsync();
        var plug = await home.Network.AddAsync("plug", 10);
        home.Server.Names["cloud.example"] = ["203.0.113.9"];

        var answer = await home.AskAsync(plug, "cloud.example");

        Assert.Equal(DnsResponseCode.NameError, answer?.ResponseCode);
        Assert.Equal(DnsExtendedErrorCode.Filtered, answer?.Edns?.Error?.Code);
        Assert.Empty(home.Server.Asked);
        var question = Assert.Single(home.Network.Record.Current.OpenQuestions);
        Assert.Equal((QuestionKind.Reach, "cloud.example", "what it is for"), (question.Kind, question.Subject, question.Hint));
        Assert.Equal([Tcp443], question.Ports);
        Assert.Contains((plug.Mac, "cloud.example"), home.Asked);
    }

    [Fact]
    public async Task Yes_to_the_question_opens_the_way_before_the_answer_is_there()
    {
        await using var home = await NamedHome.StartAsync();
        var plug = await home.Network.AddAsync("plug", 10);
        using var cloud = home.Network.Internet.TcpEcho(443);
        home.Server.Names["cloud.example"] = ["edge.cdn.example"];
        home.Server.Names["edge.cdn.example"] = ["203.0.113.9"];
        await home.AskAsync(plug, "cloud.example");
        await home.Network.ApplyAsync(new QuestionAnswered(home.Network.Record.Current.OpenQuestions.Single().Id, Answer.Yes) { At = home.Network.Now });

        var answer = await home.AskAsync(plug, "Cloud.Example");

        Assert.Equal(["edge.cdn.example", "203.0.113.9"], NamedHome.Texts(answer));
        Assert.True(await plug.CanConnectAsync(TestNetwork.Cloud, 443));
        Assert.False(await plug.CanConnectAsync(TestNetwork.Victim, 443));
    }

    [Fact]
    public async Task Thing_that_asks_another_resolver_is_led_to_ours()
    {
        await using var home = await NamedHome.StartAsync();
        var plug = await home.Network.AddAsync("plug", 10);
        var laptop = await home.Network.AddAsync("laptop", 11, DeviceClass.Computer);
        home.Server.Names["cloud.example"] = ["203.0.113.9"];

        var things = await home.AskAsync(plug, "cloud.example", TestNetwork.PublicDns);
        var computers = await home.AskAsync(laptop, "cloud.example", TestNetwork.PublicDns);

        Assert.Equal(DnsResponseCode.NameError, things?.ResponseCode);
        Assert.Equal(["203.0.113.9"], NamedHome.Texts(computers));
    }

    [Fact]
    public async Task Answer_into_the_house_opens_nothing()
    {
        await using var home = await NamedHome.StartAsync();
        var plug = await home.Network.AddAsync("plug", 10);
        var printer = await home.Network.AddAsync("printer", 12);
        using var ipp = printer.TcpEcho(443);
        await home.Network.PermitAsync(plug, "rebind.example", Tcp443);
        foreach (var target in new[] { "192.168.77.12", "192.168.77.1", "127.0.0.1", "10.0.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0" })
        {
            home.Server.Names["rebind.example"] = [target];
            home.Server.Ttl = 0;

            var answer = await home.AskAsync(plug, "rebind.example");

            Assert.Equal(DnsResponseCode.NameError, answer?.ResponseCode);
            Assert.Empty(answer!.Answers);
        }

        Assert.Equal(0, home.Network.Fence.GrantCount);
        Assert.False(await plug.CanConnectAsync(printer.Address, 443));
    }

    [Fact]
    public async Task Computer_gets_everything_and_the_names_of_the_house()
    {
        await using var home = await NamedHome.StartAsync();
        var laptop = await home.Network.AddAsync("laptop", 11, DeviceClass.Computer);
        var printer = await home.Network.AddAsync("printer", 12);
        await home.Network.ApplyAsync(new ThingNamed(printer.Mac, "Grandma's printer") { At = home.Network.Now });
        home.Server.Names["news.example"] = ["203.0.113.66"];

        Assert.Equal(["203.0.113.66"], NamedHome.Texts(await home.AskAsync(laptop, "news.example")));
        Assert.Equal(["192.168.77.12"], NamedHome.Texts(await home.AskAsync(laptop, "grandma-s-printer.home.arpa")));
        Assert.Equal(["192.168.77.1"], NamedHome.Texts(await home.AskAsync(laptop, "gatehouse.home.arpa")));
        Assert.Equal(DnsResponseCode.NameError, (await home.AskAsync(laptop, "nobody.home.arpa"))?.ResponseCode);
        Assert.Equal(DnsResponseCode.NameError, (await home.AskAsync(printer, "gatehouse.home.arpa"))?.ResponseCode);
        Assert.Empty(home.Network.Record.Current.Questions);
    }

    [Fact]
    public async Task Device_that_asks_whether_it_is_on_line_finds_the_page_that_says_it_is_fenced()
    {
        await using var home = await NamedHome.StartAsync(network => network with { FencedPagePort = 8099 });
        var phone = await home.Network.AddAsync("phone", 10);
        var laptop = await home.Network.AddAsync("laptop", 11, DeviceClass.Computer);
        using var page = TestHost.EchoHere(8099);
        home.Server.Names["captive.apple.com"] = ["203.0.113.66"];

        Assert.Equal(["192.168.77.1"], NamedHome.Texts(await home.AskAsync(phone, "captive.apple.com")));
        Assert.Equal(["203.0.113.66"], NamedHome.Texts(await home.AskAsync(laptop, "captive.apple.com")));

        using var led = await phone.ConnectAsync(TestNetwork.GatewayAddress, 80);
        Assert.True(await FenceKernelTests.EchoesAsync(led!));
        Assert.Empty(home.Network.Record.Current.Questions);
    }

    [Fact]
    public async Task Forged_answers_are_passed_over_until_the_right_one_comes()
    {
        await using var home = await NamedHome.StartAsync();
        var laptop = await home.Network.AddAsync("laptop", 11, DeviceClass.Computer);
        home.Server.Names["news.example"] = ["203.0.113.9"];
        home.Server.IsForged = true;

        Assert.Equal(["203.0.113.9"], NamedHome.Texts(await home.AskAsync(laptop, "news.example")));
    }

    [Fact]
    public async Task Truncated_answer_is_fetched_over_tcp()
    {
        await using var home = await NamedHome.StartAsync();
        var laptop = await home.Network.AddAsync("laptop", 11, DeviceClass.Computer);
        home.Server.Names["news.example"] = ["203.0.113.9"];
        home.Server.Truncates = true;

        Assert.Equal(["203.0.113.9"], NamedHome.Texts(await home.AskAsync(laptop, "news.example")));
        Assert.Contains("news.example A TCP", home.Server.Asked);
    }

    [Fact]
    public async Task Answer_too_large_for_the_asker_is_cut_and_comes_whole_over_tcp()
    {
        await using var home = await NamedHome.StartAsync();
        var laptop = await home.Network.AddAsync("laptop", 11, DeviceClass.Computer);
        home.Server.Names["many.example"] = [.. Enumerable.Range(1, 150).Select(host => $"203.0.113.{host}")];

        var udp = await home.AskAsync(laptop, "many.example");
        var tcp = await home.AskTcpAsync(laptop, "many.example");

        Assert.True(udp is { IsTruncated: true, Answers.IsEmpty: true });
        Assert.Equal(150, tcp?.Answers.Length);
    }

    [Fact]
    public async Task Thing_gets_no_more_addresses_than_are_opened()
    {
        await using var home = await NamedHome.StartAsync();
        var plug = await home.Network.AddAsync("plug", 10);
        await home.Network.PermitAsync(plug, "many.example", Tcp443);
        home.Server.Names["many.example"] = [.. Enumerable.Range(1, 60).Select(host => $"203.0.113.{host}"), "192.168.77.1"];

        var answer = await home.AskAsync(plug, "many.example");

        Assert.Equal(DnsForwarder.MaxAddresses, answer?.Answers.Length);
        Assert.Equal(DnsForwarder.MaxAddresses, home.Network.Fence.GrantCount);
    }

    [Fact]
    public async Task Silent_upstream_is_said_so_and_the_next_question_is_answered()
    {
        await using var home = await NamedHome.StartAsync();
        var laptop = await home.Network.AddAsync("laptop", 11, DeviceClass.Computer);
        home.Server.Names["news.example"] = ["203.0.113.9"];
        home.Server.IsSilent = true;

        var none = await home.AskAsync(laptop, "news.example");
        home.Server.IsSilent = false;
        var some = await home.AskAsync(laptop, "news.example");

        Assert.Equal((DnsResponseCode.ServerFailure, DnsExtendedErrorCode.NetworkError), (none!.ResponseCode, none.Edns!.Error!.Code));
        Assert.Equal(["203.0.113.9"], NamedHome.Texts(some));
    }

    [Fact]
    public async Task Answer_is_kept_and_still_opens_the_way_for_a_second_thing()
    {
        await using var home = await NamedHome.StartAsync();
        var plug = await home.Network.AddAsync("plug", 10);
        var lamp = await home.Network.AddAsync("lamp", 12);
        using var cloud = home.Network.Internet.TcpEcho(443);
        home.Server.Names["cloud.example"] = ["203.0.113.9"];
        await home.Network.PermitAsync(plug, "cloud.example", Tcp443);
        await home.Network.PermitAsync(lamp, "*.example", Tcp443);

        await home.AskAsync(plug, "cloud.example");
        await home.AskAsync(lamp, "cloud.example");

        Assert.Single(home.Server.Asked);
        Assert.True(await plug.CanConnectAsync(TestNetwork.Cloud, 443));
        Assert.True(await lamp.CanConnectAsync(TestNetwork.Cloud, 443));
    }

    public static TheoryData<DnsType> LeadingPast => new() { DnsType.AAAA, DnsType.HTTPS, DnsType.SVCB };

    [Theory, MemberData(nameof(LeadingPast))]
    public async Task Types_that_lead_past_the_grants_are_empty_for_things(DnsType type)
    {
        await using var home = await NamedHome.StartAsync();
        var plug = await home.Network.AddAsync("plug", 10);
        await home.Network.PermitAsync(plug, "cloud.example", Tcp443);
        home.Server.Names["cloud.example"] = ["203.0.113.9"];

        var answer = await home.AskAsync(plug, "cloud.example", type: type);

        Assert.True(answer is { ResponseCode: DnsResponseCode.NoError, Answers.IsEmpty: true });
        Assert.Empty(home.Server.Asked);
    }

    [Fact]
    public async Task Owners_no_is_said_so_and_not_asked_again()
    {
        await using var home = await NamedHome.StartAsync();
        var plug = await home.Network.AddAsync("plug", 10);
        await home.AskAsync(plug, "cloud.example");
        await home.Network.ApplyAsync(new QuestionAnswered(home.Network.Record.Current.OpenQuestions.Single().Id, Answer.No) { At = home.Network.Now });

        var answer = await home.AskAsync(plug, "cloud.example");

        Assert.Equal(DnsExtendedErrorCode.Blocked, answer?.Edns?.Error?.Code);
        Assert.Empty(home.Network.Record.Current.OpenQuestions);
    }

    [Fact]
    public async Task Thing_that_asks_for_ever_new_names_fills_its_own_page_only()
    {
        await using var home = await NamedHome.StartAsync();
        var bad = await home.Network.AddAsync("recorder", 10);
        var plug = await home.Network.AddAsync("plug", 12);
        for (var i = 0; i < 40; i++) await home.AskAsync(bad, $"x{i}.evil.example");

        await home.AskAsync(plug, "cloud.example");

        Assert.Equal(QuestionAsked.MaxOpenPerThing, home.Network.Record.Current.OpenQuestions.Count(question => question.Thing == bad.Mac));
        Assert.Single(home.Network.Record.Current.OpenQuestions, question => question.Thing == plug.Mac);
    }

    [Fact]
    public async Task Flood_of_questions_from_one_thing_does_not_silence_another()
    {
        await using var home = await NamedHome.StartAsync();
        var bad = await home.Network.AddAsync("recorder", 10);
        var plug = await home.Network.AddAsync("plug", 12);
        await home.Network.PermitAsync(plug, "cloud.example", Tcp443);
        home.Server.Names["cloud.example"] = ["203.0.113.9"];
        using var flood = bad.Socket(SocketType.Dgram);
        await flood.ConnectAsync(new IPEndPoint(TestNetwork.GatewayAddress, 53));
        var bytes = new byte[512];
        new DnsMessage { Id = 1, Questions = [new(DnsName.Parse("a.example"), DnsType.A, 1)] }.TryWrite(bytes, out var length);
        for (var i = 0; i < 3000; i++) await flood.SendAsync(bytes.AsMemory(0, length));

        var answer = await home.AskAsync(plug, "cloud.example");

        Assert.Equal(["203.0.113.9"], NamedHome.Texts(answer));
        Assert.True(home.Network.Fence.Counters().Of(bad.Mac).Throttled.Packets > 2000);
    }

    public static TheoryData<string, byte[], DnsResponseCode?> OddQuestions => new()
    {
        { "noise", [1, 2, 3], null },
        { "an answer", [0, 99, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0], null },
        { "no question", [0, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], DnsResponseCode.FormatError },
        { "two questions", [0, 99, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1, 1, 98, 0, 0, 1, 0, 1], DnsResponseCode.FormatError },
        { "update", [0, 99, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 6, 0, 1], DnsResponseCode.NotImplemented },
        { "class CHAOS", [0, 99, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 16, 0, 3], DnsResponseCode.Refused },
        { "ANY", [0, 99, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 255, 0, 1], DnsResponseCode.Refused },
    };

    [Fact]
    public async Task Odd_questions_get_their_code_or_silence_and_the_forwarder_lives()
    {
        await using var home = await NamedHome.StartAsync();
        var laptop = await home.Network.AddAsync("laptop", 11, DeviceClass.Computer);
        home.Server.Names["news.example"] = ["203.0.113.9"];
        foreach (var (why, bytes, code) in OddQuestions.Select(row => row.Data))
        {
            using var socket = laptop.Socket(SocketType.Dgram);
            await socket.ConnectAsync(new IPEndPoint(TestNetwork.GatewayAddress, 53));
            await socket.SendAsync(bytes);
            using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(code is null ? 200 : 2000));
            var buffer = new byte[512];
            try
            {
                var length = await socket.ReceiveAsync(buffer, limit.Token);
                Assert.True(DnsMessage.TryParse(buffer.AsSpan(0, length), out var answer), why);
                Assert.True(code == answer.ResponseCode, why);
            }
            catch (OperationCanceledException)
            {
                Assert.True(code is null, why);
            }
        }

        Assert.Equal(["203.0.113.9"], NamedHome.Texts(await home.AskAsync(laptop, "news.example")));
    }
}

/// <summary>A test network with the forwarder and a name server on the Internet.</summary>
internal sealed class NamedHome : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    private NamedHome(TestNetwork network)
    {
        Network = network;
        Server = new TestNameServer(network.Internet, TestNetwork.PublicDns);
        Forwarder = new DnsForwarder(network.Record, network.Fence, network.Network, (_, name) => new([new(TransportProtocol.Tcp, 443)], name == "cloud.example" ? "what it is for" : ""),
            (mac, name) => Asked.Add((mac, name)), NullLogger<DnsForwarder>.Instance);
        _running = Forwarder.RunAsync(_stop.Token);
    }

    public TestNetwork Network { get; }
    public TestNameServer Server { get; }
    public DnsForwarder Forwarder { get; }
    public System.Collections.Concurrent.ConcurrentBag<(MacAddress, string)> Asked { get; } = [];

    public static async Task<NamedHome> StartAsync(Func<GatewayNetwork, GatewayNetwork>? change = null) => new(await TestNetwork.StartAsync(change));

    /// <summary>Asks as a device does, over UDP; null where no answer came.</summary>
    public async Task<DnsMessage?> AskAsync(TestHost from, string name, IPAddress? server = null, DnsType type = DnsType.A)
    {
        using var socket = from.Socket(SocketType.Dgram);
        await socket.ConnectAsync(new IPEndPoint(server ?? TestNetwork.GatewayAddress, 53));
        var bytes = new byte[4096];
        new DnsMessage { Id = 99, RecursionDesired = true, Questions = [new(DnsName.Parse(name), type, 1)], Edns = new(1232) }.TryWrite(bytes, out var length);
        await socket.SendAsync(bytes.AsMemory(0, length));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            length = await socket.ReceiveAsync(bytes, limit.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        Assert.True(DnsMessage.TryParse(bytes.AsSpan(0, length), out var answer));
        Assert.Equal(99, answer.Id);
        return answer;
    }

    /// <summary>Asks over TCP.</summary>
    public async Task<DnsMessage?> AskTcpAsync(TestHost from, string name)
    {
        using var socket = await from.ConnectAsync(TestNetwork.GatewayAddress, 53);
        await using var stream = new NetworkStream(socket!);
        var bytes = new byte[65537];
        new DnsMessage { Id = 99, RecursionDesired = true, Questions = [new(DnsName.Parse(name), DnsType.A, 1)] }.TryWrite(bytes.AsSpan(2), out var length);
        (bytes[0], bytes[1]) = (0, (byte)length);

        // Byte by byte: a message may come in any pieces.
        for (var i = 0; i < length + 2; i++) await stream.WriteAsync(bytes.AsMemory(i, 1));
        await stream.ReadExactlyAsync(bytes.AsMemory(0, 2));
        length = bytes[0] << 8 | bytes[1];
        await stream.ReadExactlyAsync(bytes.AsMemory(0, length));
        return DnsMessage.TryParse(bytes.AsSpan(0, length), out var answer) ? answer : null;
    }

    public static List<string> Texts(DnsMessage? answer) =>
        [.. answer!.Answers.Select(record => record.Data switch
        {
            DnsAddress address => address.Address.ToString(),
            DnsPointer pointer => pointer.Target.ToLowerString(),
            _ => record.Type.ToString(),
        })];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Server.Dispose();
        await Network.DisposeAsync();
        _stop.Dispose();
    }
}
