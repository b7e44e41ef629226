using System.Text.Json;

namespace Gatehouse.Lab.Home;

/// <summary>What was counted at one moment, in packets.</summary>
/// <param name="PermittedOffered">The flood at the permitted address, as it left the recorder.</param>
/// <param name="PermittedLeft">The same, as it arrived at the Internet provider.</param>
internal sealed record Counts(long PermittedOffered, long PermittedLeft, long VictimOffered, long VictimLeft, long ScanOffered, long ScanLeft)
{
    public static Counts operator -(Counts after, Counts before) => new(
        after.PermittedOffered - before.PermittedOffered, after.PermittedLeft - before.PermittedLeft, after.VictimOffered - before.VictimOffered,
        after.VictimLeft - before.VictimLeft, after.ScanOffered - before.ScanOffered, after.ScanLeft - before.ScanLeft);
}

/// <summary>Counts packets where they leave the recorder and where they arrive at the Internet provider: nothing of the gateway's is asked.</summary>
internal static class Observer
{
    public static async Task PlaceAsync(CancellationToken cancellationToken)
    {
        // A SYN that carries data is the flood's own mark: no program of the home sends one.
        string Rules(string hook, string side) =>
            $$"""
            table inet observer {
                counter permitted { }
                counter victim { }
                counter scan { }
                chain seen {
                    type filter hook {{hook}} priority -400; policy accept;
                    {{side}} ip daddr {{HomeSeed.RecorderCloudAddress}} tcp flags syn meta length > 500 counter name permitted
                    {{side}} ip daddr {{HomeSeed.VictimAddress}} meta l4proto udp counter name victim
                    {{side}} tcp dport 23 counter name scan
                }
            }
            """;
        await Topology.NftAsync("recorder", Rules("output", ""), cancellationToken);
        await Topology.NftAsync(Topology.Isp, Rules("prerouting", "iifname \"home0\""), cancellationToken);
    }

    public static async Task<Counts> CountAsync(CancellationToken cancellationToken)
    {
        var offered = await ReadAsync("recorder", cancellationToken);
        var left = await ReadAsync(Topology.Isp, cancellationToken);
        return new(offered["permitted"], left["permitted"], offered["victim"], left["victim"], offered["scan"], left["scan"]);
    }

    private static async Task<Dictionary<string, long>> ReadAsync(string inNamespace, CancellationToken cancellationToken)
    {
        var json = await Shell.RunAsync("ip", ["netns", "exec", inNamespace, "nft", "-j", "list", "counters", "table", "inet", "observer"], cancellationToken);
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("nftables").EnumerateArray().Where(item => item.TryGetProperty("counter", out _)).Select(item => item.GetProperty("counter"))
            .ToDictionary(counter => counter.GetProperty("name").GetString()!, counter => counter.GetProperty("packets").GetInt64());
    }
}
