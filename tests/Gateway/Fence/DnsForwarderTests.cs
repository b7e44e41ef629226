using System.Net;
using System.Net.Sockets;
using Gatehouse.Fence.Names;
using Gatehouse.Home;
using Gatehouse.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Fence;

/// <summary>The forwarder and the kernel together: what an answer opens, and what it does not.</summary>
[Collection("kernel")]
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

    public static async Task<NamedHome> StartAsync() => new(await TestNetwork.StartAsync());

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
