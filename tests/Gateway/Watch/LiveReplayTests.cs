using System.Diagnostics;
using System.IO.Compression;
using Gatehouse.Watch;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Watch;

/// <summary>Captures of real attackers, sent over a real interface by tcpreplay in their own time, and judged as they pass.</summary>
[Collection("kernel"), Trait("Needs", "kernel"), Trait("Needs", "long")]
public sealed class LiveReplayTests
{
    private static readonly string[] Captures = ["ssh-hydra", "nmap-synscan", "slips-icmp-scan"];

    [Fact]
    public async Task What_is_found_in_a_capture_is_found_on_the_wire()
    {
        Lab.RequireNamespaces();
        var judged = await Task.WhenAll(Captures.Select((name, index) => Task.Run(() => Replay(name, index))));

        for (var i = 0; i < Captures.Length; i++)
        {
            var expected = LabelledCaptures.Judge(Lab.SharedData($"watch/real-malicious/{Captures[i]}.pcap.gz")).Select(found => (found.Mac, found.Rule.Name)).Distinct().Order();
            Assert.Equal(expected, judged[i].Order());
        }
    }

    private static List<(MacAddress Mac, string Rule)> Replay(string name, int index)
    {
        var (here, there) = ($"replay{index}", $"wire{index}");
        Run("ip", $"link add {here} type veth peer name {there}");
        Run("ip", $"link set {here} up mtu 9000");
        Run("ip", $"link set {there} up mtu 9000");
        var plain = Path.GetTempFileName();
        using (var from = new GZipStream(File.OpenRead(Lab.SharedData($"watch/real-malicious/{name}.pcap.gz")), CompressionMode.Decompress))
        using (var to = File.Create(plain)) from.CopyTo(to);

        using var ring = PacketRing.Open(there, 16 << 20);
        var engine = new WatchEngine();
        var found = new List<(MacAddress, string)>();
        using var sender = Start("tcpreplay", $"-q -i {here} {plain}");
        for (var quiet = 0; quiet < 5;)
        {
            if (ring.Poll(ref engine, TimeSpan.FromMilliseconds(100)) == 0 && sender.HasExited) quiet++;
            while (engine.TryTakeVerdict(out var verdict))
            {
                if (verdict.What == VerdictKind.Opened) found.Add((verdict.Mac, Rule.Of(verdict.Rule).Name));
            }
        }

        ring.UpdateDropped();
        Assert.Equal((0, 0L), (sender.ExitCode, ring.Dropped));
        File.Delete(plain);
        return [.. found.Distinct()];
    }

    private static void Run(string program, string arguments)
    {
        using var process = Start(program, arguments);
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {arguments}: exit code {process.ExitCode}");
    }

    private static Process Start(string program, string arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
}
