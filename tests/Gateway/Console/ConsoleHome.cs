using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Console;
using Gatehouse.Home;
using Gatehouse.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gatehouse.Tests.Gateway.Console;

/// <summary>A running console over a record of its own, in a folder of its own.</summary>
public sealed class ConsoleHome : IAsyncDisposable
{
    public static readonly MacAddress Plug = MacAddress.Parse("02:00:00:00:00:01");
    public static readonly MacAddress Recorder = MacAddress.Parse("02:00:00:00:00:02");
    public static readonly MacAddress Laptop = MacAddress.Parse("02:00:00:00:00:03");

    private static int s_addresses;
    private CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    private ConsoleHome(string folder, HomeRecord record) => (Folder, Record) = (folder, record);

    public string Folder { get; }
    public string RunFolder => Path.Combine(Folder, "run");
    public HomeRecord Record { get; }
    public IPEndPoint Lan { get; } = FreePort();
    public IPEndPoint Fenced { get; } = FreePort();
    public ConcurrentBag<FencedVisit> Visits { get; } = [];

    public static async Task<ConsoleHome> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("gh-console-").FullName;
        var home = new ConsoleHome(folder, HomeRecord.Open(Path.Combine(folder, "record.db"), TimeProvider.System));
        await home.ServeAsync();
        return home;
    }

    /// <summary>Stops the console and starts it again over the same record.</summary>
    public async Task RestartAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _stop = new CancellationTokenSource();
        await ServeAsync();
    }

    private async Task ServeAsync()
    {
        var traffic = new RichTraffic(TimeProvider.System);
        var server = new ConsoleServer(Record, new ConsoleOptions { RunFolder = RunFolder, Lan = Lan, Fenced = Fenced }, traffic, traffic, NullLoggerFactory.Instance, Visits.Add);
        _running = server.RunAsync(_stop.Token);
        await server.Ready;
    }

    // An address of its own for each home, so that tests beside each other never want the same port.
    private static IPEndPoint FreePort()
    {
        var number = Interlocked.Increment(ref s_addresses);
        using var probe = new TcpListener(new IPAddress([127, 77, (byte)(number >> 8), (byte)number]), 0);
        probe.Start();
        return (IPEndPoint)probe.LocalEndpoint;
    }

    /// <summary>A plug that asks for its cloud, a recorder with an offer, a laptop.</summary>
    public async Task FurnishAsync()
    {
        await ApplyAsync(at => new ThingSeen(Plug, IPAddress.Parse("192.168.77.10"), "tasmota-plug") { At = at });
        await ApplyAsync(at => new ThingSeen(Recorder, IPAddress.Parse("192.168.77.11"), "dvr4") { At = at });
        await ApplyAsync(at => new ThingSeen(Laptop, IPAddress.Parse("192.168.77.12"), "annas-laptop") { At = at });
        await ApplyAsync(at => new ThingIdentified(Laptop, Identity.Unknown, DeviceClass.Computer) { At = at });
        await ApplyAsync(at => new ThingIdentified(Recorder, new Identity
        {
            Vendor = new Claim("Anvil", 0.9, [new Evidence("DHCP option 60", "anvil-dvr4")]), Model = new Claim("dvr4", 0.9, [new Evidence("DHCP option 60", "anvil-dvr4")]),
            Kind = new Claim("recorder", 0.9, []), Firmware = new Claim("1.0.0", 0.9, [new Evidence("HTTP body /version", "1.0.0")]),
        }, DeviceClass.Thing) { At = at });
        await ApplyAsync(at => new QuestionAsked(Plug, QuestionKind.Reach, "mqtt.plug.example", [new TransportPort(TransportProtocol.Tcp, 8883)], "Switching it from outside the house") { At = at });
        await ApplyAsync(at => new OfferMade(Recorder, "anvil", "dvr4/1.1.0.swu", "1.1.0", new string('a', 64), true, ["CVE-2016-1000"]) { At = at });
    }

    public Task<HomeState> ApplyAsync(Func<DateTimeOffset, Change> change) => Record.ApplyAsync(change(DateTimeOffset.UtcNow), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await Record.DisposeAsync();
        _stop.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
