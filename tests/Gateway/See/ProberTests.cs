using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Gatehouse.See;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.See;

/// <summary>Questions to devices that answer, lie, drag on or are not there; the devices are sockets on the loopback network of the test's own namespace.</summary>
public sealed class ProberTests
{
    private static readonly MacAddress Mac = MacAddress.Parse("02:00:00:00:00:01");
    private readonly Prober _prober = new(IPNetwork.Parse("127.0.0.0/8"), TimeProvider.System);

    public ProberTests() => Lab.RequireNamespaces();

    [Fact]
    public async Task A_recorder_tells_its_name_version_and_open_services()
    {
        using var web = new Device("127.0.1.1", 80, request => request.StartsWith("GET /version ", StringComparison.Ordinal)
            ? "HTTP/1.0 200 OK\r\n\r\n1.0.0\n" : "HTTP/1.0 401 No\r\nServer: AnvilWeb/1.0\r\nWWW-Authenticate: Basic realm=\"DVR\"\r\n\r\n<html><head><title>Anvil &amp; Co</title></head>");
        using var telnet = new Device("127.0.1.1", 23, _ => "", greeting: "\u00ff\u00fd\u0001\u00ff\u00fb\u0003\r\ndvr login: ");
        using var video = new Device("127.0.1.1", 554, request => request.StartsWith("OPTIONS rtsp://127.0.1.1/ RTSP/1.0\r\n", StringComparison.Ordinal) ? "RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: AnvilStream\r\n\r\n" : "");

        var answers = await AskAsync("127.0.1.1", pages: ["/version"]);

        Assert.Equal(
            [
                "HTTP Server: AnvilWeb/1.0", "HTTP body /version: 1.0.0", "HTTP realm: DVR", "HTTP title: Anvil & Co", "RTSP Server: AnvilStream",
                "open port: 23", "open port: 554", "open port: 80", "telnet banner: dvr login:",
            ],
            answers.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_device_that_offers_nothing_was_asked_and_said_nothing() => Assert.Empty(await AskAsync("127.0.1.2"));

    [Fact]
    public async Task An_address_outside_the_owners_network_is_never_asked()
    {
        var prober = new Prober(IPNetwork.Parse("192.168.77.0/24"), TimeProvider.System);
        using var stranger = new Device("127.0.1.3", 80, _ => "HTTP/1.0 200 OK\r\n\r\n");

        Assert.Null(await prober.AskAsync(Mac, IPAddress.Parse("127.0.1.3"), [], null, CancellationToken.None));
        Assert.Empty(stranger.Requests);
    }

    [Fact]
    public async Task A_description_that_lies_elsewhere_is_not_fetched()
    {
        using var device = new Device("127.0.1.4", 80, _ => "HTTP/1.0 404 No\r\n\r\n");
        using var elsewhere = new Device("127.0.1.5", 80, _ => "HTTP/1.0 200 OK\r\n\r\n");

        await AskAsync("127.0.1.4", location: "http://127.0.1.5/setup.xml");

        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public async Task A_UPnP_description_names_maker_and_model()
    {
        using var device = new Device("127.0.1.6", 49153, _ => """
            HTTP/1.1 200 OK
            Content-Type: text/xml

            <?xml version="1.0"?><root xmlns="urn:Belkin:device-1-0"><device><deviceType>urn:Belkin:device:controllee:1</deviceType>
            <manufacturer>Belkin International Inc.</manufacturer><modelName>Socket</modelName><modelNumber>1.0</modelNumber>
            <deviceList><device><manufacturer>somebody else</manufacturer></device></deviceList></device></root>
            """);

        Assert.Equal(
            ["UPnP deviceType: urn:Belkin:device:controllee:1", "UPnP manufacturer: Belkin International Inc.", "UPnP modelName: Socket", "UPnP modelNumber: 1.0"],
            (await AskAsync("127.0.1.6", location: "http://127.0.1.6:49153/setup.xml")).Order(StringComparer.Ordinal));
    }

    public static TheoryData<string, string> Hostile => new()
    {
        { "entities that grow", """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><root><manufacturer>&c;</manufacturer></root>""" },
        { "a file of ours", """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><root><manufacturer>&f;</manufacturer></root>""" },
        { "torn", "<root><manufacturer" },
        { "empty", "" },
    };

    [Theory, MemberData(nameof(Hostile))]
    public void A_hostile_description_tells_nothing(string why, string xml) => Assert.True(UpnpDescription.Observe(xml).IsEmpty, why);

    [Fact]
    public async Task A_page_that_never_ends_is_left_after_its_limit()
    {
        using var device = new Device("127.0.1.7", 80, _ => "HTTP/1.0 200 OK\r\nServer: endless\r\n\r\n" + new string('a', 10 * Prober.MaxAnswerBytes));

        Assert.Contains("HTTP Server: endless", await AskAsync("127.0.1.7"));
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_left_after_our_patience()
    {
        using var device = new Device("127.0.1.8", 80, _ => null);

        Assert.Equal(["open port: 80"], await AskAsync("127.0.1.8"));
    }

    private async Task<List<string>> AskAsync(string address, string[]? pages = null, string? location = null)
    {
        var sighting = await _prober.AskAsync(Mac, IPAddress.Parse(address), pages ?? [], location, CancellationToken.None);
        Assert.NotNull(sighting);
        Assert.Equal(SightingOrigin.Asked, sighting.Origin);
        return [.. sighting.Observations.Select(observation => $"{observation.Source}: {observation.Text}")];
    }

    /// <summary>One service of a device: greets, reads once, answers, closes; null for an answer keeps the line open and silent.</summary>
    private sealed class Device : IDisposable
    {
        private readonly TcpListener _listener;
        private readonly Func<string, string?> _answer;
        private readonly string _greeting;

        public Device(string address, int port, Func<string, string?> answer, string greeting = "")
        {
            (_listener, _answer, _greeting) = (new TcpListener(IPAddress.Parse(address), port), answer, greeting);
            _listener.Start();
            _ = ServeAsync();
        }

        public ConcurrentQueue<string> Requests { get; } = [];

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync()
        {
            try
            {
                while (true) await ServeOneAsync(await _listener.AcceptSocketAsync());
            }
            catch (Exception closed) when (closed is SocketException or ObjectDisposedException or IOException)
            {
            }
        }

        private async Task ServeOneAsync(Socket socket)
        {
            using var _ = socket;
            var buffer = new byte[4096];
            await socket.SendAsync(Encoding.Latin1.GetBytes(_greeting));
            var read = await socket.ReceiveAsync(buffer);
            var request = Encoding.Latin1.GetString(buffer, 0, read);
            Requests.Enqueue(request);
            if (_answer(request) is { } answer) await socket.SendAsync(Encoding.Latin1.GetBytes(answer.ReplaceLineEndings("\r\n")));
            else await socket.ReceiveAsync(buffer);
        }
    }
}
