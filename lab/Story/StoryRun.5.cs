using System.Diagnostics;
using Gatehouse.Lab.Devices;
using Gatehouse.Lab.Home;

namespace Gatehouse.Lab.Story;

/// <summary>What one playing of the attack came to.</summary>
/// <param name="Throttled">From the flood's first packet at the provider to the last moment at which it was a flood there; null: no flood was seen there.</param>
internal sealed record AttackResult(Counts Counts, TimeSpan? Throttled, double GoodputBefore, double GoodputDuring);

/// <summary>Step 5: the break-in of 2016, a scan, a flood at the permitted address, a flood at the victim.</summary>
internal sealed partial class StoryRun
{
    // Bounded in packets and in seconds, whatever happens to the one who types.
    private const int FloodPackets = 60_000;
    private const int PermittedSeconds = 8;
    private const int VictimSeconds = 5;

    private bool IsWatchOff => options.WatchOff || options.Sabotage == Sabotage.StopWatch;

    private async Task TakeOverAsync(CancellationToken cancellationToken)
    {
        var peace = 0.0;
        await HoldsAsync("the laptop browses the victim's site", async () =>
        {
            var from = Stopwatch.GetTimestamp();
            await Task.Delay(S(5), cancellationToken);
            peace = home.Laptop.Goodput(from, Stopwatch.GetTimestamp());
            Measure("goodput before, kB/s", Math.Round(peace / 1000));
            Require(peace > 100_000, $"only {peace / 1000:0} kB/s");
            return $"{peace / 1000:0} kB/s";
        });
        if (options.WithControl && !IsWatchOff) await ControlRunAsync(peace, cancellationToken);
        if (options.WithControl || IsWatchOff) await InfectedFloodAsync(peace, cancellationToken);
        await BreakInRunAsync(peace, cancellationToken);
        await HoldsAsync("nobody else notices", async () =>
        {
            Require(home.Plug.IsCloudConnected, "the plug lost its line");
            await PrintAsync(cancellationToken);
            return "the plug's line holds, the printer prints";
        });
        await HoldsAsync("the console shows what happened, with a chart and one button", async () => await ConsoleTellsAsync(cancellationToken));
    }

    // Detection off: the flood at the permitted address must get through, or the other runs prove nothing.
    private async Task ControlRunAsync(double peace, CancellationToken cancellationToken)
    {
        await HoldsAsync("control run with Watch off: the permitted flood gets through and the laptop suffers", async () =>
        {
            await home.Gateway.StopAsync();
            await home.Gateway.StartAsync(s_hook, watch: false, cancellationToken);
            await ReadyForAttackAsync(cancellationToken);
            using var attacker = new Attacker(home.Seed, home.Seed.RecorderAddress);
            var way = await attacker.FromTheInternetAsync("root", RecorderFirmware.FactoryPassword, cancellationToken);
            Require(way == BreakIn.Inside, $"the attacker did not get in: {way}");
            var result = await AttackAsync(() => attacker.TypeAsync(Script(), cancellationToken), cancellationToken);
            Tell("control", result);
            Require(result.Counts.PermittedOffered > 5000, $"only {result.Counts.PermittedOffered} packets of the flood were sent");
            Require(result.Counts.PermittedLeft > result.Counts.PermittedOffered * 0.7, $"only {result.Counts.PermittedLeft} of {result.Counts.PermittedOffered} packets left");
            Require(result.GoodputDuring < peace * 0.7, $"the laptop's goodput stayed at {result.GoodputDuring / 1000:0} kB/s");
            Require(result.Counts.VictimLeft == 0 && result.Counts.ScanLeft == 0, "the fence alone let the scan or the flood at the victim through");
            Measure("control run: flood packets that left", result.Counts.PermittedLeft);
            Measure("control run: goodput during the flood, kB/s", Math.Round(result.GoodputDuring / 1000));
            return Tally(result);
        });
        await home.Gateway.StopAsync();
        await home.Gateway.StartAsync(s_hook, watch: true, cancellationToken);
    }

    // The recorder as it may have been when Gatehouse came: the flood begins with no sign before it.
    private async Task InfectedFloodAsync(double peace, CancellationToken cancellationToken)
    {
        await ReadyForAttackAsync(cancellationToken);
        await HoldsAsync("a flood at the permitted address is throttled within a second, then cut off", async () =>
        {
            var result = await AttackAsync(() =>
            {
                StartOnRecorder($"timeout {PermittedSeconds} {PermittedFlood}");
                return Task.CompletedTask;
            }, cancellationToken);
            Tell("flood", result);
            Require(result.Counts.PermittedOffered > 5000, $"only {result.Counts.PermittedOffered} packets of the flood were sent");
            Require(result.Throttled is { } took && took <= Limit(1.2), $"it went on for {result.Throttled?.TotalSeconds:0.00} s at the provider; {Tally(result)}");
            Measure("flood start to throttled, s", Math.Round(result.Throttled!.Value.TotalSeconds, 2));
            Measure("flood packets offered", result.Counts.PermittedOffered);
            Measure("flood packets that left by WAN", result.Counts.PermittedLeft);
            Measure("goodput during the flood, kB/s", Math.Round(result.GoodputDuring / 1000));
            await RestrainedAsync("CutOff", cancellationToken);
            return $"after {result.Throttled.Value.TotalSeconds:0.00} s; {Tally(result)}";
        });
        await HoldsAsync("goodput returns", async () =>
        {
            var after = 0.0;
            await EventuallyAsync(S(15), async () =>
            {
                var from = Stopwatch.GetTimestamp();
                await Task.Delay(S(2), cancellationToken);
                after = home.Laptop.Goodput(from, Stopwatch.GetTimestamp());
                return (after > peace * 0.8, $"{after / 1000:0} kB/s of {peace / 1000:0}");
            }, cancellationToken);
            Measure("goodput after, kB/s", Math.Round(after / 1000));
            return $"{after / 1000:0} kB/s";
        });
    }

    private async Task BreakInRunAsync(double peace, CancellationToken cancellationToken)
    {
        await LetInAgainAsync(cancellationToken);
        await ReadyForAttackAsync(cancellationToken);
        using var attacker = new Attacker(home.Seed, home.Seed.RecorderAddress);
        await HoldsAsync("somebody comes in over the old port forward with the factory's password", async () =>
        {
            var way = await attacker.FromTheInternetAsync("root", RecorderFirmware.FactoryPassword, cancellationToken);
            Require(way == BreakIn.Inside, $"the attacker did not get in: {way}");
            return $"port {home.Seed.ForwardedPort}, root, {RecorderFirmware.FactoryPassword}";
        });
        await HoldsAsync("it scans, floods the permitted address, then the victim: stopped, with its established connections", async () =>
        {
            var result = await AttackAsync(() => attacker.TypeAsync(Script(), cancellationToken), cancellationToken);
            Tell("break-in", result);
            await RestrainedAsync("CutOff", cancellationToken);
            Require(result.Counts.VictimLeft == 0, $"{result.Counts.VictimLeft} packets of the flood at the victim left");
            Require(result.Counts.ScanLeft == 0, $"{result.Counts.ScanLeft} packets of the scan left");
            Require(result.Throttled is null || result.Throttled <= Limit(1.2), $"the permitted flood went on for {result.Throttled?.TotalSeconds:0.00} s");
            Require(!await attacker.AnswersAsync(cancellationToken), "the attacker's own line still works");
            Require(result.GoodputDuring > peace * 0.5, $"the laptop's goodput fell to {result.GoodputDuring / 1000:0} kB/s all the same");
            return Tally(result);
        });
    }

    private async Task LetInAgainAsync(CancellationToken cancellationToken)
    {
        if (Text(await SummaryAsync("recorder", cancellationToken), "restraint") == "CutOff") await OwnerAsync(["release", home.Seed.RecorderMac], cancellationToken);
    }

    /// <summary>Waits until the recorder's permission is in the kernel and it is held to nothing else.</summary>
    private Task<TimeSpan> ReadyForAttackAsync(CancellationToken cancellationToken) =>
        EventuallyAsync(S(30), async () => (await _sockets.ReachesAsync("recorder", HomeSeed.RecorderCloudAddress, 443, cancellationToken), "the recorder does not reach its permitted cloud"), cancellationToken, 500);

    private Task<TimeSpan> RestrainedAsync(string restraint, CancellationToken cancellationToken) => EventuallyAsync(S(10), async () =>
    {
        var seen = Text(await SummaryAsync("recorder", cancellationToken), "restraint");
        return (seen == restraint, $"its restraint is {seen}");
    }, cancellationToken);

    private static string PermittedFlood => $"hping3 -q -c {FloodPackets} -i u100 -S -p 443 -d 900 {HomeSeed.RecorderCloudAddress}";

    // What is typed into the shell: forty knocks at telnet ports, then the two floods, all in the background.
    private static string Script() =>
        $"(i=1; while [ $i -le 40 ]; do nc -w 1 192.0.2.$i 23 < /dev/null & i=$((i+1)); done; sleep 2; timeout {PermittedSeconds} {PermittedFlood}; " +
        $"timeout {VictimSeconds} hping3 -q -c {FloodPackets} -i u100 --udp -p 80 -d 900 {HomeSeed.VictimAddress}; echo over > /data/over) > /dev/null 2>&1 &";

    private void StartOnRecorder(string command) => _onRecorder = RunningProgram.Start(
        Path.Combine(home.Folder, "attack.log"), null, LabFiles.Find("in"), "recorder", home.Folder, "bash", "-c", $"{command}; true");

    private RunningProgram? _onRecorder;

    /// <summary>Starts an attack and watches it from outside until nothing of it is sent any more.</summary>
    private async Task<AttackResult> AttackAsync(Func<Task> start, CancellationToken cancellationToken)
    {
        await using var uplink = new UplinkWatch(home.Folder);
        await Task.Delay(S(2), cancellationToken);
        var before = await Observer.CountAsync(cancellationToken);
        var (began, now) = (Stopwatch.GetTimestamp(), before);
        var goodputBefore = home.Laptop.Goodput(began - 2 * Stopwatch.Frequency, began);
        await start();

        // The worst two seconds of the laptop while the attack lasts; it is over when nothing new was offered for two seconds.
        var (lastChange, worst) = (Stopwatch.GetTimestamp(), double.MaxValue);
        var hasBegun = false;
        while (Stopwatch.GetElapsedTime(began) < S(40) && (!hasBegun || Stopwatch.GetElapsedTime(lastChange) < S(3)))
        {
            await Task.Delay(500, cancellationToken);
            var next = await Observer.CountAsync(cancellationToken);
            if (next.PermittedOffered + next.VictimOffered + next.ScanOffered > now.PermittedOffered + now.VictimOffered + now.ScanOffered) lastChange = Stopwatch.GetTimestamp();
            if (next.PermittedOffered - before.PermittedOffered > 500)
            {
                hasBegun = true;
                var at = Stopwatch.GetTimestamp();
                if (Stopwatch.GetElapsedTime(lastChange, at) < S(0.1)) worst = Math.Min(worst, home.Laptop.Goodput(at - 2 * Stopwatch.Frequency, at));
            }

            now = next;
        }

        if (_onRecorder is not null) await _onRecorder.DisposeAsync();
        _onRecorder = null;
        var flood = uplink.FloodSince(began);
        return new(now - before, flood is { } seen ? Stopwatch.GetElapsedTime(seen.Began, seen.Ended) : null, goodputBefore, worst is double.MaxValue ? goodputBefore : worst);
    }

    private static string Tally(AttackResult result) =>
        $"permitted flood {result.Counts.PermittedOffered} offered, {result.Counts.PermittedLeft} left; flood at the victim {result.Counts.VictimOffered} offered, {result.Counts.VictimLeft} left; " +
        $"scan {result.Counts.ScanOffered} offered, {result.Counts.ScanLeft} left; laptop {result.GoodputBefore / 1000:0} → {result.GoodputDuring / 1000:0} kB/s";

    // Packets offered, left by WAN, and stopped by the fence alone (no permission, whatever Watch does) are told apart.
    private void Tell(string run, AttackResult result)
    {
        var fenceAlone = result.Counts.VictimOffered - result.Counts.VictimLeft + result.Counts.ScanOffered - result.Counts.ScanLeft;
        Measure($"{run}: packets offered", result.Counts.PermittedOffered + result.Counts.VictimOffered + result.Counts.ScanOffered);
        Measure($"{run}: packets that left by WAN", result.Counts.PermittedLeft + result.Counts.VictimLeft + result.Counts.ScanLeft);
        Measure($"{run}: packets stopped by the fence alone", fenceAlone);
    }

    private ConsoleVisitor? _owner;
    private string _incident = "";

    private async Task<string> ConsoleTellsAsync(CancellationToken cancellationToken)
    {
        var shown = await ShowAsync("recorder", cancellationToken);
        var findings = shown.GetProperty("findings").EnumerateArray().ToList();
        Require(findings.Count > 0, "there is no finding");
        _owner = new ConsoleVisitor(home.Gateway.RunFolder);
        await _owner.SignInAsync(cancellationToken);
        // The release that cures it is there before the page is looked at: the button is the cure.
        await home.Makers.PublishRecorderAsync(RecorderCured, cancellationToken);
        await OfferedAsync("recorder", RecorderCured, S(30), cancellationToken);
        var flood = findings.FirstOrDefault(finding => Text(finding, "rule").StartsWith("ddos", StringComparison.Ordinal));
        Require(flood.ValueKind != System.Text.Json.JsonValueKind.Undefined, "no finding is about a flood");
        _incident = $"/incidents/{Text(flood, "id")}";
        var page = await _owner.GetAsync(_incident, cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(home.Folder, "incident.html"), page, cancellationToken);
        Require(page.Contains($"<dd>{Text(flood, "rule")}</dd>", StringComparison.Ordinal) && page.Contains("flood", StringComparison.OrdinalIgnoreCase), "the incident's page does not say what happened");
        Require(page.Contains("chart", StringComparison.OrdinalIgnoreCase), "the incident's page has no chart");
        Require(page.Contains("/update\"", StringComparison.Ordinal), "the incident's page has no button for the cure");
        return Text(flood, "sentence");
    }
}
