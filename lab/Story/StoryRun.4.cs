using System.Text.Json;
using Gatehouse.Lab.Home;

namespace Gatehouse.Lab.Story;

/// <summary>Step 4: signed firmware, a changed copy, one press.</summary>
internal sealed partial class StoryRun
{
    private const string PlugOld = "14.2.0";
    private const string PlugNew = "14.3.0";

    private async Task MendPlugAsync(CancellationToken cancellationToken)
    {
        var served = "";
        byte[] genuine = [];
        await HoldsAsync("a signed release appears on the mirror and is offered", async () =>
        {
            await home.Makers.PublishPlugAsync(PlugNew, cancellationToken);
            served = home.Makers.ServedImage(Makers.PlugRepository, PlugNew);
            genuine = await File.ReadAllBytesAsync(served, cancellationToken);
            // The mirror is in a thief's hands from the first moment: same name, same length, other bytes.
            if (options.Sabotage == Sabotage.ServeTampered) return "";
            await File.WriteAllBytesAsync(served, Changed(genuine), cancellationToken);
            await OfferedAsync("plug", PlugNew, S(30), cancellationToken);
            return PlugNew;
        });
        if (options.Sabotage == Sabotage.ServeTampered) await OfferedAsync("plug", PlugNew, S(30), cancellationToken);

        await HoldsAsync("a changed copy is refused, with the reason", async () =>
        {
            var answer = await home.Gateway.CliAsync(["update", home.Seed.PlugMac, "--wait"], S(90), cancellationToken);
            var update = (await ShowAsync("plug", cancellationToken)).GetProperty("updates")[0];
            var version = await _sockets.PlugVersionAsync(cancellationToken);
            Require(version == PlugOld, $"the plug runs {version}");
            Require(answer.ExitCode != 0 && Text(update, "state") == "Refused", $"it ended as {Text(update, "state")}: {answer.Said}");
            Require(Text(update, "reason").Length > 20, "no reason is shown");
            return Text(update, "reason");
        });
        await HoldsAsync("one press updates it; the version read back from the plug is the new one", async () =>
        {
            await File.WriteAllBytesAsync(served, genuine, cancellationToken);
            await OfferedAsync("plug", PlugNew, S(60), cancellationToken);
            await OwnerAsync(["update", home.Seed.PlugMac], cancellationToken);
            var took = await UpdatedAsync("plug", "Done", S(90), cancellationToken);
            var version = await _sockets.PlugVersionAsync(cancellationToken);
            Require(version == PlugNew, $"the plug itself says {version}");
            Measure("plug: press to new version confirmed, s", Math.Round(took.TotalSeconds, 1));
            return $"{version} after {took.TotalSeconds:0.0} s";
        });
    }

    private static byte[] Changed(byte[] image)
    {
        var changed = image.ToArray();
        changed[^100] ^= 0x20;
        return changed;
    }

    private Task<TimeSpan> OfferedAsync(string device, string version, TimeSpan limit, CancellationToken cancellationToken) =>
        EventuallyAsync(limit, async () =>
        {
            var seen = Text(await SummaryAsync(device, cancellationToken), "offer");
            return (seen == version, $"offer '{seen}'");
        }, cancellationToken);

    /// <summary>Waits for the newest update of a device to end, and requires how.</summary>
    private async Task<TimeSpan> UpdatedAsync(string device, string expected, TimeSpan limit, CancellationToken cancellationToken)
    {
        JsonElement update = default;
        var took = await EventuallyAsync(limit, async () =>
        {
            update = (await ShowAsync(device, cancellationToken)).GetProperty("updates")[0];
            return (Text(update, "state") is "Done" or "RolledBack" or "Refused" or "Lost", $"{Text(update, "state")} {Text(update, "reason")}");
        }, cancellationToken);
        Require(Text(update, "state") == expected, $"it ended as {Text(update, "state")}: {Text(update, "reason")}");
        return took;
    }
}
