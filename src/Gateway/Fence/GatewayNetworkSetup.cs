using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.Fence.Kernel;

namespace Gatehouse.Fence;

/// <summary>What was there before <see cref="GatewayNetworkSetup.Up"/>, as the run folder keeps it.</summary>
internal sealed record NetworkBefore
{
    public required string Lan { get; init; }

    /// <summary>Paths below /proc/sys with the value that was there, in the order they are put back.</summary>
    public required ImmutableSortedDictionary<string, string> Sysctls { get; init; }

    /// <summary>Bridge ports by name: were they isolated?</summary>
    public required ImmutableSortedDictionary<string, bool> Ports { get; init; }

    /// <summary>The address that was added to the LAN interface (<c>192.168.77.1/24</c>), or null: it was there.</summary>
    public string? AddedAddress { get; init; }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NetworkBefore))]
internal sealed partial class NetworkBeforeJson : JsonSerializerContext;

/// <summary>
/// Makes this machine the way between its two sides: forwarding, and on a bridge isolated ports with proxy ARP, so that what Things
/// say to each other passes the fence. <see cref="Down"/> puts back exactly what was there, also after a crash.
/// </summary>
/// <remarks>
/// What was there is on disk before it is changed. Up again without Down keeps the first values. IPv4: broadcast and multicast between
/// isolated ports do not pass; unicast goes by way of the gateway, which answers ARP for its neighbours.
/// </remarks>
public sealed partial class GatewayNetworkSetup(GatewayNetwork network, string runFolder, ILogger<GatewayNetworkSetup> logger)
{
    private const string FileName = "network-before.json";

    /// <summary>True where the LAN is a bridge of this machine: then traffic between Things is fenced too. Else nobody here sees it.</summary>
    public bool OwnsBridge { get; private set; }

    /// <summary>Changes the machine's network. May be called again at any time.</summary>
    /// <exception cref="IOException">The kernel or the run folder refused; <see cref="Down"/> undoes what was done.</exception>
    /// <exception cref="UnauthorizedAccessException">Not allowed to change the network.</exception>
    public void Up()
    {
        var ports = Links.Ports(network.Lan);
        OwnsBridge = ports.Count > 0 || Directory.Exists(Path.Combine("/sys/class/net", network.Lan, "bridge"));
        var before = Load(runFolder) ?? new NetworkBefore
        {
            Lan = network.Lan, Sysctls = ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal),
            Ports = ImmutableSortedDictionary<string, bool>.Empty.WithComparers(StringComparer.Ordinal),
        };
        var hasAddress = Links.HasAddress(network.Lan, network.LanAddress);
        before = before with
        {
            Sysctls = before.Sysctls.AddRange(Watched().Where(path => !before.Sysctls.ContainsKey(path)).Select(path => KeyValuePair.Create(path, Read(path)))),
            Ports = before.Ports.AddRange(ports.Where(port => !before.Ports.ContainsKey(port.Name)).Select(port => KeyValuePair.Create(port.Name, port.IsIsolated))),
            AddedAddress = before.AddedAddress ?? (hasAddress ? null : $"{network.LanAddress}/{network.LanPrefix.PrefixLength}"),
        };
        Save(before);

        if (!hasAddress) Links.AddAddress(network.Lan, network.LanAddress, network.LanPrefix.PrefixLength);
        foreach (var (path, value) in Wanted()) Write(path, value);
        foreach (var port in ports.Where(port => !port.IsIsolated)) Links.SetIsolated(port.Index, true);
        if (!OwnsBridge) LogNoBridge(logger, network.Lan);
    }

    /// <summary>Isolates ports that join the bridge later, as soon as the kernel tells of them, until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.Factory.StartNew(() =>
    {
        using var news = new Netlink(Netlink.Route);
        news.ListenToLinks();
        while (!cancellationToken.IsCancellationRequested)
        {
            IsolateNewPorts();
            news.WaitForNews();
        }
    }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Takes the fence away and puts the network back as it was. Does nothing where nothing was changed.</summary>
    /// <exception cref="NftablesException">The kernel refused to remove the rules.</exception>
    public static void Down(string runFolder)
    {
        using (var nftables = new Nftables())
        using (var transaction = new NftTransaction())
        {
            transaction.AddTable();
            transaction.DeleteTable();
            nftables.Run(transaction);
        }

        if (Load(runFolder) is not { } before) return;
        foreach (var port in Links.Ports(before.Lan))
        {
            if (before.Ports.TryGetValue(port.Name, out var isolated) ? port.IsIsolated != isolated : port.IsIsolated) Links.SetIsolated(port.Index, before.Ports.GetValueOrDefault(port.Name));
        }

        foreach (var (path, value) in RestoreOrder(before.Sysctls)) Write(path, value);
        if (before.AddedAddress is { } added && System.Net.IPNetwork.TryParse($"{added.Split('/')[0]}/32", out var address) && Links.IndexOf(before.Lan) != 0
            && Links.HasAddress(before.Lan, address.BaseAddress)) Links.RemoveAddress(before.Lan, address.BaseAddress, int.Parse(added.Split('/')[1], System.Globalization.CultureInfo.InvariantCulture));
        File.Delete(Path.Combine(runFolder, FileName));
    }

    /// <summary>Isolates the ports that are not; where they were before is kept first.</summary>
    internal void IsolateNewPorts()
    {
        try
        {
            if (Links.Ports(network.Lan).Exists(port => !port.IsIsolated)) Up();
        }
        catch (IOException e)
        {
            LogPortFailed(logger, network.Lan, e.Message);
        }
    }

    private static NetworkBefore? Load(string runFolder)
    {
        var path = Path.Combine(runFolder, FileName);
        return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), NetworkBeforeJson.Default.NetworkBefore) : null;
    }

    private void Save(NetworkBefore before)
    {
        Directory.CreateDirectory(runFolder);
        var path = Path.Combine(runFolder, FileName);
        using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, before, NetworkBeforeJson.Default.NetworkBefore);
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    // Turning forwarding on or off makes the kernel rewrite every interface's forwarding, and all/accept_redirects: so they are kept too.
    private static List<string> Forwardings() =>
        [.. Directory.EnumerateDirectories("/proc/sys/net/ipv4/conf").Select(folder => $"net/ipv4/conf/{Path.GetFileName(folder)}/forwarding"), "net/ipv4/conf/all/accept_redirects"];

    private List<string> Watched() => [.. Wanted().Select(setting => setting.Path).Concat(Forwardings()).Distinct()];

    private IEnumerable<(string Path, string Value)> Wanted()
    {
        yield return ("net/ipv4/ip_forward", "1");

        // Redirects would tell Things to talk past the gateway; the kernel sends them when either of the two says so.
        yield return ("net/ipv4/conf/all/send_redirects", "0");
        yield return ($"net/ipv4/conf/{network.Lan}/send_redirects", "0");

        // A Thing must not tell the gateway where to send its packets.
        yield return ($"net/ipv4/conf/{network.Lan}/accept_redirects", "0");
        yield return ($"net/ipv4/conf/{network.Lan}/proxy_arp_pvlan", "1");

        // By default the kernel waits up to 0.8 s before it answers for another, so that the other may answer first; here it never can.
        yield return ($"net/ipv4/neigh/{network.Lan}/proxy_delay", "0");

        // Where br_netfilter is there, the rules would judge frames inside the bridge, before the packet ring sees them: Watch would be blind to
        // whatever the fence stops, so a throttled flood would look over. Everything between Things is routed here, so nothing is lost.
        foreach (var path in (string[])["net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"])
        {
            if (OwnsBridge && File.Exists(Path.Combine("/proc/sys", path))) yield return (path, "0");
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> RestoreOrder(ImmutableSortedDictionary<string, string> sysctls) =>
        sysctls.OrderBy(setting => setting.Key switch
        {
            "net/ipv4/ip_forward" => 0,
            "net/ipv4/conf/all/forwarding" => 1,
            "net/ipv4/conf/default/forwarding" => 2,
            _ => 3,
        });

    private static string Read(string path) => File.ReadAllText(Path.Combine("/proc/sys", path)).Trim();

    private static void Write(string path, string value)
    {
        var file = Path.Combine("/proc/sys", path);
        if (File.Exists(file) && Read(path) != value) File.WriteAllText(file, value);
    }

    [LoggerMessage(3101, LogLevel.Warning, "{Lan} is not a bridge of this machine: what Things behind it say to each other is not seen and not fenced.")]
    private static partial void LogNoBridge(ILogger logger, string lan);

    [LoggerMessage(3102, LogLevel.Warning, "A new port of {Lan} could not be isolated: {Reason}")]
    private static partial void LogPortFailed(ILogger logger, string lan, string reason);
}
