using Gatehouse.Lab.Devices;
using Gatehouse.Lab.Home;

namespace Gatehouse.Lab.Story;

/// <summary>Steps 6 and 7: the cure, the same attack again, and a release that is worse than none.</summary>
internal sealed partial class StoryRun
{
    private const string RecorderCured = "1.1.0";
    private const string RecorderBroken = "1.2.0";
    private const string RecorderBrokenAgain = "1.2.1";

    private async Task CureAsync(CancellationToken cancellationToken)
    {
        if (options.Sabotage == Sabotage.KeepOldFirmware) home.Recorder.NeverTriesTheOtherSlot = true;
        await HoldsAsync("the button updates the recorder; the version read back from it is the cured one", async () =>
        {
            var page = await _owner!.GetAsync(_incident, cancellationToken);
            Require(await _owner.PressAsync(page, "/update", cancellationToken), "the incident's page has no button for the cure");
            var took = await UpdatedAsync("recorder", "Done", S(120), cancellationToken);
            if (options.Sabotage == Sabotage.ForgetPassword) home.Recorder.ForgetPassword();
            var version = await _sockets.RecorderVersionAsync(cancellationToken);
            Require(version == RecorderCured, $"the recorder itself says {version}");
            Measure("recorder: press to cured, s", Math.Round(took.TotalSeconds, 1));
            return $"{version} after {took.TotalSeconds:0.0} s";
        });
        await HoldsAsync("it is let in again", async () =>
        {
            await RestrainedAsync("None", cancellationToken);
            await ReadyForAttackAsync(cancellationToken);
            return "its cloud is reached";
        });
        await HoldsAsync("the identical attack fails at every step", async () =>
        {
            var before = await Observer.CountAsync(cancellationToken);
            using var attacker = new Attacker(home.Seed, home.Seed.RecorderAddress);
            var outside = await attacker.FromTheInternetAsync("root", RecorderFirmware.FactoryPassword, cancellationToken);
            Require(outside != BreakIn.Inside, "the attacker came in over the port forward again");
            var inside = await attacker.FromInsideAsync("root", RecorderFirmware.FactoryPassword, cancellationToken);
            Require(inside == BreakIn.Refused, $"at the recorder itself the factory's password is not refused: {inside}");

            // And were somebody in it all the same: what nobody permitted goes nowhere.
            StartOnRecorder($"for i in $(seq 1 9); do timeout 2 busybox nc -w 1 192.0.2.$i 23 < /dev/null & done; wait; timeout 3 hping3 -q -c 3000 -i u1000 --udp -p 80 -d 900 {HomeSeed.VictimAddress}");
            await _onRecorder!.Exited.WaitAsync(S(20), cancellationToken);
            await _onRecorder.DisposeAsync();
            _onRecorder = null;
            var counts = await Observer.CountAsync(cancellationToken) - before;
            Require(counts.VictimOffered > 500 && counts.ScanOffered > 0, $"the attack was not sent: {counts}");
            Require(counts.VictimLeft == 0 && counts.ScanLeft == 0, $"packets left: {counts}");
            return $"from the Internet: {Words(outside)}; at the recorder: {Words(inside)}; {counts.VictimOffered + counts.ScanOffered} packets offered, {counts.VictimLeft + counts.ScanLeft} left";
        });
        await LetInAgainAsync(cancellationToken);
    }

    private static string Words(BreakIn way) => way switch
    {
        BreakIn.NoWayIn => "no way in", BreakIn.Refused => "the password is refused", _ => "inside",
    };

    private async Task FallBackAsync(CancellationToken cancellationToken)
    {
        await HoldsAsync("a release without its web service ends where it began, and the owner is told", async () =>
        {
            var took = await TryBrokenReleaseAsync(RecorderBroken, cutPower: false, cancellationToken);
            return $"back on {RecorderCured} after {took.TotalSeconds:0} s: {LastNotice()}";
        });
        await HoldsAsync("power cut between switching slots and confirmation: the same end", async () =>
        {
            var took = await TryBrokenReleaseAsync(RecorderBrokenAgain, cutPower: true, cancellationToken);
            return $"back on {RecorderCured} after {took.TotalSeconds:0} s";
        });
    }

    private async Task<TimeSpan> TryBrokenReleaseAsync(string version, bool cutPower, CancellationToken cancellationToken)
    {
        await home.Makers.PublishRecorderAsync(version, cancellationToken);
        await OfferedAsync("recorder", version, S(30), cancellationToken);
        var noticed = _notices.Count;
        await OwnerAsync(["update", home.Seed.RecorderMac], cancellationToken);
        if (cutPower)
        {
            await EventuallyAsync(S(60), () => Task.FromResult((home.Recorder.IsOnTrial && home.Recorder.TrialBootsSoFar > 0, "no slot on trial")), cancellationToken, 20);
            await Task.Delay(S(1), cancellationToken);
            home.Recorder.CutPower();
        }

        var took = await UpdatedAsync("recorder", "RolledBack", S(150), cancellationToken);
        var running = await _sockets.RecorderVersionAsync(cancellationToken);
        Require(running == RecorderCured, $"the recorder itself says {running}");
        var offer = Text(await SummaryAsync("recorder", cancellationToken), "offer");
        Require(offer.Length == 0, $"{offer} is offered again");
        await Task.Delay(S(5), cancellationToken);
        Require(Text(await SummaryAsync("recorder", cancellationToken), "offer").Length == 0, "it is offered again");
        await EventuallyAsync(S(10), () => Task.FromResult((_notices.Count > noticed && _notices.Last().Contains("update", StringComparison.Ordinal), "the owner was not told")), cancellationToken);
        return took;
    }

    private string LastNotice()
    {
        using var notice = System.Text.Json.JsonDocument.Parse(_notices.Last());
        return Text(notice.RootElement, "title");
    }
}
