using System.Diagnostics;
using System.Net;
using Gatehouse.Home;
using Gatehouse.Watch;
using Gatehouse.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Watch;

/// <summary>The service on a real interface, and a real flood by a program that knows nothing of these tests (hping3).</summary>
[Collection("kernel"), Trait("Needs", "kernel")]
public sealed class WatchServiceTests : IAsyncDisposable
{
    private static readonly MacAddress Bot = MacAddress.Parse("02:00:00:00:77:20");

    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-watch-").FullName;
    private readonly HomeRecord _record;
    private readonly CancellationTokenSource _stop = new();

    public WatchServiceTests() => _record = HomeRecord.Open(Path.Combine(_folder, "record.db"), TimeProvider.System);

    public static TheoryData<string, string> Floods => new()
    {
        { "-S -p 8883", "ddos.syn" }, // SYN to the port it may reach; its cloud answers
        { "--udp -p 8883", "ddos.udp" },
        { "-A -p 8883 -d 120", "ddos.ack" },
    };

    [Theory, MemberData(nameof(Floods))]
    public async Task A_flood_by_hping3_throttles_the_Thing_within_a_second_then_cuts_it_off(string flags, string rule)
    {
        Lab.RequireNamespaces();
        BuildHome();
        await _record.ApplyAsync(new ThingSeen(Bot, IPAddress.Parse("192.168.77.20"), "recorder") { At = DateTimeOffset.UtcNow }, _stop.Token);
        var service = new WatchService(_record, "lan0", [IPNetwork.Parse("192.168.77.0/24")], NullLogger<WatchService>.Instance);
        var running = service.RunAsync(_stop.Token);
        using var changes = Changes();
        await Task.Delay(300, _stop.Token);

        var began = DateTimeOffset.UtcNow;
        using var flood = Start("ip", $"netns exec thing hping3 -q -i u300 -c 9000 {flags} 203.0.113.5");
        var throttled = await WaitFor(restraint: Restraint.Throttled);
        var cut = await WaitFor(restraint: Restraint.CutOff);

        Assert.InRange((throttled - began).TotalSeconds, 0, 1.3); // a second, and hping3's own start
        Assert.InRange((cut - began).TotalSeconds, 0.5, 8);
        var finding = Assert.Single(_record.Current.OpenFindings, finding => finding.Rule == rule);
        Assert.Contains(finding.Evidence, item => item.Label == "packet");
        // The history is written when a second is over; a flood that was cut off within its first has to wait for that.
        for (var waits = 0; waits < 30 && service.Traffic.Of(Bot).Sum(second => second.PacketsOut) <= 300; waits++) await Task.Delay(100, _stop.Token);
        Assert.True(service.Traffic.Of(Bot).Sum(second => second.PacketsOut) > 300);
        Assert.Equal(0, service.Counts.Dropped);
        await EndAsync(running, flood);
    }

    [Fact]
    public async Task A_service_that_is_run_again_after_its_end_still_finds_what_floods()
    {
        Lab.RequireNamespaces();
        BuildHome();
        await _record.ApplyAsync(new ThingSeen(Bot, IPAddress.Parse("192.168.77.20"), "recorder") { At = DateTimeOffset.UtcNow }, _stop.Token);
        var service = new WatchService(_record, "lan0", [IPNetwork.Parse("192.168.77.0/24")], NullLogger<WatchService>.Instance);
        using (var first = new CancellationTokenSource())
        {
            var ended = service.RunAsync(first.Token);
            await Task.Delay(300, _stop.Token);
            await first.CancelAsync();
            await ended;
        }

        var running = service.RunAsync(_stop.Token);
        using var changes = Changes();
        await Task.Delay(300, _stop.Token);
        using var flood = Start("ip", "netns exec thing hping3 -q -i u300 -c 9000 --udp -p 8883 203.0.113.5");
        await WaitFor(restraint: Restraint.Throttled);

        await EndAsync(running, flood);
    }

    [Fact]
    public async Task What_a_finding_from_before_a_restart_throttled_is_let_in_again()
    {
        Lab.RequireNamespaces();
        BuildHome();
        var past = DateTimeOffset.UtcNow.AddHours(-1);
        await _record.ApplyAsync(new ThingSeen(Bot, null, null) { At = past }, _stop.Token);
        await _record.ApplyAsync(new FindingOpened(Bot, "scan.nosuchrule", FindingKind.Scan, Certainty.Suspected, "It scanned.", []) { At = past }, _stop.Token);
        await _record.ApplyAsync(new RestraintSet(Bot, Restraint.Throttled, "It scanned.") { At = past }, _stop.Token);

        using var changes = Changes();
        var running = new WatchService(_record, "lan0", [IPNetwork.Parse("192.168.77.0/24")], NullLogger<WatchService>.Instance).RunAsync(_stop.Token);
        await WaitFor(restraint: Restraint.None);

        Assert.Empty(_record.Current.OpenFindings);
        await EndAsync(running);
    }

    private async Task EndAsync(Task running, Process? flood = null)
    {
        flood?.Kill();
        await _stop.CancelAsync();
        await running;
    }

    /// <summary>The gateway's LAN side here, a Thing in a namespace of its own, a cloud address that answers.</summary>
    private static void BuildHome()
    {
        Run("ip", "netns add thing");
        Run("ip", $"link add lan0 type veth peer name eth0 address {Bot} netns thing");
        Run("ip", "addr add 192.168.77.1/24 dev lan0");
        Run("ip", "addr replace 203.0.113.5/32 dev lo");
        Run("ip", "link set lan0 up");
        Run("ip", "-n thing addr add 192.168.77.20/24 dev eth0");
        Run("ip", "-n thing link set eth0 up");
        Run("ip", "-n thing link set lo up");
        Run("ip", "-n thing route add default via 192.168.77.1");
    }

    private readonly List<(DateTimeOffset At, Restraint Restraint)> _restraints = [];
    private readonly SemaphoreSlim _news = new(0);

    private CancellationTokenSource Changes()
    {
        var until = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var subscription = _record.Subscribe(100);
        _ = Task.Run(async () =>
        {
            await foreach (var recorded in subscription.ReadAllAsync(until.Token))
            {
                if (recorded.Change is not RestraintSet set) continue;
                lock (_restraints) _restraints.Add((DateTimeOffset.UtcNow, set.Restraint));
                _news.Release();
            }
        }, until.Token);
        return until;
    }

    private async Task<DateTimeOffset> WaitFor(Restraint restraint)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            lock (_restraints)
            {
                if (_restraints.Find(one => one.Restraint == restraint) is { At.Year: > 1 } found) return found.At;
            }

            await _news.WaitAsync(patience.Token);
        }
    }

    private static void Run(string program, string arguments)
    {
        using var process = Start(program, arguments);
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {arguments}: exit code {process.ExitCode}");
    }

    private static Process Start(string program, string arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _record.DisposeAsync();
        // Also after a failed test, so that the next one finds the names free; a flood that still runs ends with its namespace's interface.
        using (var end = Start("ip", "netns del thing")) await end.WaitForExitAsync(CancellationToken.None);
        using (var end = Start("ip", "link del lan0")) await end.WaitForExitAsync(CancellationToken.None);
        Directory.Delete(_folder, recursive: true);
    }
}
