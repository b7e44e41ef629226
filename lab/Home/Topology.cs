namespace Gatehouse.Lab.Home;

/// <summary>
/// The wires: internet — isp — gateway — one port of the bridge per device. The isp is where the outside observer counts what left the home, and
/// where the uplink is as narrow as a home's.
/// </summary>
internal static class Topology
{
    public const string Internet = "internet";
    public const string Isp = "isp";
    public const string Gateway = "gateway";
    public const string Lan = "lan0";
    public const string Wan = "wan0";

    /// <summary>The home's way up, as bought: a flood fills it, and the laptop's requests wait behind the flood.</summary>
    public const string UplinkRate = "10mbit";

    public static async Task BuildAsync(HomeSeed seed, IReadOnlyDictionary<string, string> macByDevice, string folder, CancellationToken cancellationToken)
    {
        List<string> lines = [];
        foreach (var name in (string[])[Internet, Isp, Gateway, .. macByDevice.Keys]) lines.Add($"netns add {name}");
        await BatchAsync(lines, null, folder, cancellationToken);

        await BatchAsync(
        [
            $"link add up0 netns {Isp} type veth peer name eth0 netns {Internet}",
            $"link add home0 netns {Isp} type veth peer name {Wan} netns {Gateway}",
        ], null, folder, cancellationToken);

        List<string> internet = ["link set lo up", "link set eth0 up", "route add default via 198.51.100.1"];
        foreach (var address in (string[])["53", "80", "90", "70", "71", "66", "99", "10"]) internet.Insert(2, $"address add 198.51.100.{address}/24 dev eth0");
        await BatchAsync(internet, Internet, folder, cancellationToken);
        await BatchAsync(
        [
            "link set lo up", "link set up0 up", "link set home0 up", "address add 198.51.100.1/24 dev up0", $"address add {HomeSeed.WanRouter}/24 dev home0",
            // Everything else that somebody scans or floods goes up the same wire.
            "route add default via 198.51.100.10 dev up0",
        ], Isp, folder, cancellationToken);

        List<string> gateway = ["link set lo up", $"link set {Wan} up", $"address add {seed.WanAddress}/24 dev {Wan}", $"route add default via {HomeSeed.WanRouter}",
            $"link add {Lan} type bridge", $"address add {seed.LanAddress}/24 dev {Lan}", $"link set {Lan} up"];
        foreach (var (device, mac) in macByDevice)
        {
            gateway.Add($"link add p-{device} type veth peer name eth0 netns {device} address {mac}");
            gateway.Add($"link set p-{device} master {Lan} up");
        }

        await BatchAsync(gateway, Gateway, folder, cancellationToken);
        foreach (var device in macByDevice.Keys) await BatchAsync(["link set lo up"], device, folder, cancellationToken);

        await SysctlAsync(Isp, "net.ipv4.ip_forward", "1", cancellationToken);
        await SysctlAsync(Gateway, "net.ipv4.ip_forward", "1", cancellationToken);
        await Shell.RunAsync("ip", ["netns", "exec", Isp, "tc", "qdisc", "add", "dev", "up0", "root", "tbf", "rate", UplinkRate, "burst", "32kb", "limit", "96kb"], cancellationToken);
        await LegacyForwardAsync(seed, cancellationToken);
    }

    // The ordinary sin of 2016: somebody once led a port of the WAN to the recorder's telnet. It is there before Gatehouse, in a table of its own.
    private static Task LegacyForwardAsync(HomeSeed seed, CancellationToken cancellationToken) => NftAsync(Gateway,
        $$"""
        table ip router {
            chain forwards {
                type nat hook prerouting priority dstnat; policy accept;
                iifname "{{Wan}}" tcp dport {{seed.ForwardedPort}} dnat to {{seed.RecorderAddress}}:23
            }
            chain share {
                type nat hook postrouting priority srcnat; policy accept;
                oifname "{{Wan}}" masquerade
            }
        }
        """, cancellationToken);

    public static async Task NftAsync(string inNamespace, string rules, CancellationToken cancellationToken)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, rules, cancellationToken);
            await Shell.RunAsync("ip", ["netns", "exec", inNamespace, "nft", "-f", file], cancellationToken);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Task<string> SysctlAsync(string inNamespace, string name, string value, CancellationToken cancellationToken) =>
        Shell.RunAsync("ip", ["netns", "exec", inNamespace, "sysctl", "-qw", $"{name}={value}"], cancellationToken);

    private static async Task BatchAsync(IEnumerable<string> lines, string? inNamespace, string folder, CancellationToken cancellationToken)
    {
        var file = Path.Combine(folder, "ip.batch");
        await File.WriteAllLinesAsync(file, lines, cancellationToken);
        await Shell.RunAsync("ip", [.. (string[])(inNamespace is null ? [] : ["-n", inNamespace]), "-batch", file], cancellationToken);
    }
}
