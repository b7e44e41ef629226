using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Gatehouse.Fence;
using Gatehouse.Home;
using Gatehouse.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Fence;

/// <summary>A network namespace with a device or a piece of the Internet in it.</summary>
internal sealed partial class TestHost(string name, MacAddress mac, IPAddress address)
{
    public string Name { get; } = name;
    public MacAddress Mac { get; } = mac;
    public IPAddress Address { get; } = address;

    /// <summary>Makes a socket inside this namespace; it may be used from anywhere.</summary>
    public Socket Socket(SocketType type)
    {
        Socket? made = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/run/netns/{Name}");
                if (setns((int)handle.DangerousGetHandle(), 0x40000000) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
                made = new Socket(AddressFamily.InterNetwork, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return made ?? throw new InvalidOperationException("no socket", failure);
    }

    /// <summary>Like <see cref="TcpEcho"/>, on the gateway itself.</summary>
    public static Socket EchoHere(ushort port) => Echo(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp), port, IPAddress.Any);

    /// <summary>Accepts connections and sends back what comes, until disposed.</summary>
    public Socket TcpEcho(ushort port, IPAddress? at = null) => Echo(Socket(SocketType.Stream), port, at);

    private static Socket Echo(Socket listener, ushort port, IPAddress? at)
    {
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(at ?? IPAddress.Any, port));
        listener.Listen();
        _ = Task.Run(async () =>
        {
            while (true)
            {
                Socket peer;
                try
                {
                    peer = await listener.AcceptAsync();
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return;
                }

                _ = Task.Run(async () =>
                {
                    using var _ = peer;
                    var buffer = new byte[4096];
                    try
                    {
                        while (await peer.ReceiveAsync(buffer) is > 0 and var count) await peer.SendAsync(buffer.AsMemory(0, count));
                    }
                    catch (SocketException)
                    {
                    }
                });
            }
        });
        return listener;
    }

    /// <summary>A connected TCP socket, or null where nothing answered within a moment.</summary>
    public async Task<Socket?> ConnectAsync(IPAddress to, ushort port, IPAddress? from = null)
    {
        var socket = Socket(SocketType.Stream);
        if (from is not null) socket.Bind(new IPEndPoint(from, 0));
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(700));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(to, port), limit.Token);
            return socket;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    public async Task<bool> CanConnectAsync(IPAddress to, ushort port)
    {
        using var socket = await ConnectAsync(to, port);
        return socket is not null;
    }

    /// <summary>Runs a program inside this namespace.</summary>
    public string Run(params string[] command) => TestNetwork.Run("ip", ["netns", "exec", Name, .. command]);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int descriptor, int kind);
}

/// <summary>
/// A home around this process, which is the gateway: a bridge with devices in namespaces of their own, and an Internet on the other
/// side. Real kernel, real record.
/// </summary>
internal sealed class TestNetwork : IAsyncDisposable
{
    public static readonly IPAddress GatewayAddress = IPAddress.Parse("192.168.77.1");
    public static readonly IPAddress WanAddress = IPAddress.Parse("198.51.100.1");
    public static readonly IPAddress Cloud = IPAddress.Parse("203.0.113.9");
    public static readonly IPAddress Victim = IPAddress.Parse("203.0.113.66");
    public static readonly IPAddress PublicDns = IPAddress.Parse("8.8.8.8");

    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-fence-").FullName;
    private readonly List<TestHost> _hosts = [];
    private CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    private TestNetwork()
    {
        SweepUp();
        Run("ip", "link", "add", "br-lan", "type", "bridge", "forward_delay", "0");
        Run("ip", "addr", "add", "192.168.77.1/24", "dev", "br-lan");
        Run("ip", "link", "set", "br-lan", "up");
        Run("ip", "netns", "add", "internet");
        Run("ip", "link", "add", "wan0", "type", "veth", "peer", "name", "eth0", "netns", "internet");
        Run("ip", "addr", "add", "198.51.100.1/24", "dev", "wan0");
        Run("ip", "link", "set", "wan0", "up");
        Run("ip", "route", "add", "default", "via", "198.51.100.2");
        Internet = new TestHost("internet", default, IPAddress.Parse("198.51.100.2"));
        Internet.Run("ip", "addr", "add", "198.51.100.2/24", "dev", "eth0");
        foreach (var address in new[] { Cloud, Victim, PublicDns }) Internet.Run("ip", "addr", "add", $"{address}/32", "dev", "lo");
        Internet.Run("ip", "link", "set", "lo", "up");
        Internet.Run("ip", "link", "set", "eth0", "up");

        Network = new GatewayNetwork("br-lan", "wan0", GatewayAddress, 24) { Upstream = new IPEndPoint(PublicDns, 53) };
        RunFolder = Path.Combine(_folder, "run");
        Record = HomeRecord.Open(Path.Combine(_folder, "record.db"), TimeProvider.System);
        Setup = new GatewayNetworkSetup(Network, RunFolder, NullLogger<GatewayNetworkSetup>.Instance);
        Fence = null!;
    }

    public TestHost Internet { get; }
    public GatewayNetwork Network { get; private set; }
    public string RunFolder { get; }
    public HomeRecord Record { get; }
    public GatewayNetworkSetup Setup { get; }
    public FenceService Fence { get; private set; }

    public static async Task<TestNetwork> StartAsync(Func<GatewayNetwork, GatewayNetwork>? change = null)
    {
        Lab.RequireNamespaces();
        var network = new TestNetwork();
        if (change is not null) network.Network = change(network.Network);
        await network.StartFenceAsync();
        return network;
    }

    public async Task StartFenceAsync()
    {
        Setup.Up();
        Fence = new FenceService(Record, Network, NullLogger<FenceService>.Instance);
        Fence.Start();
        _running = Fence.RunAsync(_stop.Token);
        await Task.Yield();
    }

    /// <summary>Ends the service as a crash would: the kernel keeps what it has.</summary>
    public async Task CrashFenceAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Fence.Dispose();
        _stop = new CancellationTokenSource();
    }

    /// <summary><c>gatehouse down</c>.</summary>
    public async Task StopFenceAsync()
    {
        await CrashFenceAsync();
        GatewayNetworkSetup.Down(RunFolder);
    }

    /// <summary>Waits for something that comes about by itself within two seconds.</summary>
    public async Task UntilAsync(Func<bool> isSo)
    {
        var started = Stopwatch.GetTimestamp();
        while (!isSo())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(2), "it did not come about");
            await Task.Delay(5);
        }
    }

    /// <summary>Plugs a device into the bridge that has no address and that nobody knows.</summary>
    public Task<TestHost> PlugInAsync(string name, int number)
    {
        var host = new TestHost(name, new MacAddress(0x0200_0000_0000 + (ulong)number), IPAddress.Parse($"192.168.77.{number}"));
        Run("ip", "netns", "add", name);
        Run("ip", "link", "add", $"p-{name}", "type", "veth", "peer", "name", "eth0", "netns", name);
        Run("ip", "link", "set", $"p-{name}", "master", "br-lan");
        Run("ip", "link", "set", $"p-{name}", "up");
        host.Run("ip", "link", "set", "eth0", "address", host.Mac.ToString());
        host.Run("ip", "link", "set", "lo", "up");
        host.Run("ip", "link", "set", "eth0", "up");
        _hosts.Add(host);
        Setup.IsolateNewPorts();
        return Task.FromResult(host);
    }

    /// <summary>Plugs a device into the bridge; it is in the record as <paramref name="kind"/>.</summary>
    public async Task<TestHost> AddAsync(string name, int number, DeviceClass kind = DeviceClass.Thing)
    {
        var host = await PlugInAsync(name, number);
        host.Run("ip", "addr", "add", $"{host.Address}/24", "dev", "eth0");
        host.Run("ip", "route", "add", "default", "via", "192.168.77.1");
        await ApplyAsync(new ThingSeen(host.Mac, host.Address, name) { At = Now });
        if (kind != DeviceClass.Thing) await ApplyAsync(new ClassChosen(host.Mac, kind) { At = Now });
        return host;
    }

    public DateTimeOffset Now => Record.Time.GetUtcNow();

    /// <summary>Records a change and waits until the fence has it: a change is in the kernel within 100 ms, else the test fails.</summary>
    public async Task ApplyAsync(Change change)
    {
        var applied = Fence.Applied;
        var after = await Record.ApplyAsync(change, CancellationToken.None);
        var started = Stopwatch.GetTimestamp();
        while (!ReferenceEquals(Fence.AppliedState, after))
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(5), $"{change.GetType().Name} did not reach the kernel; applied {Fence.Applied - applied}");
            await Task.Delay(2);
        }
    }

    public async Task<Permission> PermitAsync(TestHost host, string name, params TransportPort[] ports)
    {
        await ApplyAsync(new PermissionGranted(host.Mac, name, null, [.. ports], PermissionOrigin.Owner) { At = Now });
        return Record.Current.Permissions.Values.Single(permission => permission.Thing == host.Mac && permission.Name == name);
    }

    // Also takes away what a test left that failed half-way.
    private static void SweepUp()
    {
        Run("nft", "flush", "ruleset");
        foreach (var name in Directory.EnumerateFiles("/run/netns").Select(Path.GetFileName).ToList()) Run("ip", "netns", "del", name!);
        foreach (var link in Directory.EnumerateDirectories("/proc/sys/net/ipv4/conf").Select(Path.GetFileName).ToList())
        {
            if (link is "br-lan" or "wan0" || link!.StartsWith("p-", StringComparison.Ordinal)) TryRun("ip", "link", "del", link);
        }

        TryRun("conntrack", "-F");
    }

    private static void TryRun(string program, params string[] arguments)
    {
        try
        {
            Run(program, arguments);
        }
        catch (InvalidOperationException)
        {
            // It went with its namespace.
        }
    }

    public static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.Result}{output}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ContinueWith(_ => { }, TaskScheduler.Default);
        Fence.Dispose();
        GatewayNetworkSetup.Down(RunFolder);
        await Record.DisposeAsync();
        SweepUp();
        Directory.Delete(_folder, recursive: true);
        _stop.Dispose();
    }
}
