using System.Net;
using System.Net.NetworkInformation;
using Gatehouse.Console;
using Gatehouse.Console.Notices;
using Gatehouse.Fence;
using Gatehouse.Fence.Addresses;
using Gatehouse.Fence.Names;
using Gatehouse.Fence.Time;
using Gatehouse.Home;
using Gatehouse.Mend;
using Gatehouse.Packs;
using Gatehouse.See;
using Gatehouse.Watch;
using Gatehouse.Wire;

namespace Gatehouse.Commands;

/// <summary>Makes the parts, wires them to each other and to the record, and runs them until it is told to stop. Decides nothing.</summary>
internal static partial class Gateway
{
    /// <summary>The packet ring's memory: 30 ms of a full gigabit, minutes of a home.</summary>
    private const int RingBytes = 4 * 1024 * 1024;

    /// <summary>Where plain HTTP of fenced devices is led: a port nothing else of the gateway uses.</summary>
    private const ushort FencedPagePort = 8479;

    /// <returns>The exit code: 0 stopped as told, 1 it could not start (the reason is on standard error).</returns>
    public static async Task<int> RunAsync(GatewayOptions options, CancellationToken cancellationToken)
    {
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Information)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ ", true)));
        var time = TimeProvider.System;
        var network = new GatewayNetwork(options.Lan, options.Wan, options.LanAddress, options.LanPrefixLength)
        {
            Upstream = options.Upstream ?? SystemResolver(), FencedPagePort = FencedPagePort, OwnAddresses = [.. AddressesOf(options.Wan)],
        };

        await using var record = HomeRecord.Open(options.RecordPath, time);
        if (options.Mode is { } mode) await record.ApplyAsync(new ModeSet(mode) { At = time.GetUtcNow() }, cancellationToken);

        // The fence is first: nothing is forwarded that it has not judged.
        using var fence = new FenceService(record, network, loggers.CreateLogger<FenceService>());
        var addresses = new DhcpServer(record, fence, network, options.StateFolder, options.RunFolder, loggers.CreateLogger<DhcpServer>());
        await addresses.LoadAsync(cancellationToken);
        fence.Start();
        var setup = new GatewayNetworkSetup(network, options.RunFolder, loggers.CreateLogger<GatewayNetworkSetup>());
        setup.Up();

        var packs = LoadPacks(options, loggers.CreateLogger<PackLibrary>());
        var sightings = new SightingQueue();
        var reader = new SightingReader(network.LanPrefix, OwnAddresses(options.Lan));
        var see = new SeeService(record, reader, sightings, new Recogniser(packs, MacVendors.BuiltIn), new Prober(network.LanPrefix, time), loggers.CreateLogger<SeeService>());
        // One ring and one thread for both who read packets; See reads alone where detection is off.
        var watch = options.Watch ? new WatchService(record, options.Lan, [network.LanPrefix], loggers.CreateLogger<WatchService>(), reader) : null;
        var packets = new PacketLoop(options.Lan, RingBytes, [reader]);
        var traffic = new TrafficOfThings(record, watch?.Traffic, fence);

        var names = new DnsForwarder(record, fence, network, Adviser(packs),
            (mac, name) => sightings.Add(Sighting.FromDnsQuery(mac, name, time.GetUtcNow())), loggers.CreateLogger<DnsForwarder>());
        var clock = new NtpServer(network, time);

        using var client = new HttpClient();
        var trustMap = options.TrustMap is { } map ? TrustMap.Load(map) : TrustMap.Empty;
        using var mend = MendService.Create(record, packs, trustMap, options.StateFolder, client, loggers);

        var visits = new VisitsOfFencedDevices(record, fence, sightings);
        var consoleOptions = new ConsoleOptions
        {
            RunFolder = options.RunFolder, Lan = new IPEndPoint(options.LanAddress, 80), Fenced = new IPEndPoint(options.LanAddress, FencedPagePort),
        };
        var console = new ConsoleServer(record, consoleOptions, traffic, new CountsOfTheFence(fence), loggers, visits.Report);

        var supervisor = new Supervisor(time, loggers.CreateLogger<Supervisor>());
        supervisor.Add("the fence", fence.RunAsync);
        supervisor.Add("the network", setup.RunAsync);
        supervisor.Add("addresses", addresses.RunAsync);
        supervisor.Add("names", names.RunAsync);
        supervisor.Add("time", clock.RunAsync);
        supervisor.Add(watch is null ? "reading packets" : "watching packets", watch is null ? packets.RunAsync : watch.RunAsync);
        supervisor.Add("counting what was stopped", traffic.RunAsync);
        supervisor.Add("recognition", see.RunAsync);
        supervisor.Add("mending", mend.RunAsync);
        supervisor.Add("the console", console.RunAsync);
        supervisor.Add("visits of fenced devices", visits.RunAsync);
        using var posting = Webhook.MakeHandler();
        if (options.Webhook is { } address) supervisor.Add("notices", new Webhook(record, address, posting, loggers.CreateLogger<Webhook>()).RunAsync);
        await supervisor.RunAsync(cancellationToken);
        return 0;
    }

    private static PackLibrary LoadPacks(GatewayOptions options, ILogger logger)
    {
        var shipped = Path.Combine(AppContext.BaseDirectory, "packs");
        var packs = PackLibrary.Load([.. Directory.Exists(shipped) ? [shipped] : Array.Empty<string>(), .. options.PackFolders]);
        foreach (var fault in packs.Faults) PackLeftOut(logger, fault.ToString());
        return packs;
    }

    /// <summary>What a Thing's pack says of a name: the ports a yes opens, and what stops working without it.</summary>
    private static ReachAdviser Adviser(PackLibrary packs) => (thing, name) =>
        packs.Find(thing.Identity.Pack)?.Reach.FirstOrDefault(reach => reach.Covers(name)) is { } known ? new ReachAdvice(known.Ports, known.Why) : null;

    /// <summary>The first server of resolv.conf (5).</summary>
    private static IPEndPoint SystemResolver()
    {
        foreach (var line in File.Exists("/etc/resolv.conf") ? File.ReadLines("/etc/resolv.conf") : [])
        {
            if (line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is ["nameserver", var address, ..] && IPAddress.TryParse(address, out var server))
                return new IPEndPoint(server, 53);
        }

        return new IPEndPoint(IPAddress.Loopback, 53);
    }

    private static IEnumerable<IPAddress> AddressesOf(string interfaceName) =>
        from own in NetworkInterface.GetAllNetworkInterfaces()
        where own.Name == interfaceName
        from address in own.GetIPProperties().UnicastAddresses
        select address.Address;

    private static IEnumerable<MacAddress> OwnAddresses(string lan) =>
        from own in NetworkInterface.GetAllNetworkInterfaces()
        where own.Name == lan && own.GetPhysicalAddress().GetAddressBytes().Length == MacAddress.Size
        select MacAddress.Read(own.GetPhysicalAddress().GetAddressBytes());

    [LoggerMessage(1010, LogLevel.Warning, "A pack was left out: {Fault}")]
    private static partial void PackLeftOut(ILogger logger, string fault);
}
