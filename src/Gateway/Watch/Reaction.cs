using Gatehouse.Home;

namespace Gatehouse.Watch;

/// <summary>What a finding means for the device it is about. Pure: the same state and finding always give the same change.</summary>
public static class Reaction
{
    /// <param name="state">The record with the finding in it.</param>
    /// <param name="finding">The finding that was just opened, updated or ended.</param>
    /// <returns>The change to make, or null for none.</returns>
    /// <remarks>
    /// Suspected throttles, certain cuts off. What was throttled is let in again by itself when its last finding has ended; what was cut off only
    /// by the owner or the cure. Only the finding at hand counts, so that one from before a cure does not cut the Thing off again.
    /// Computers are the owner's own business: shown, never restrained. A router is slowed, never cut off: others live behind it.
    /// </remarks>
    public static RestraintSet? To(HomeState state, Finding finding, DateTimeOffset now)
    {
        if (state.Find(finding.Thing) is not { } thing || thing.Class == DeviceClass.Computer || state.Mode == GuardMode.Watching) return null;
        if (finding.Ended is not null) return Release(state, thing, now);

        var wanted = finding.Certainty == Certainty.Certain && thing.Class != DeviceClass.Router ? Restraint.CutOff : Restraint.Throttled;
        return wanted > thing.Restraint ? new RestraintSet(thing.Mac, wanted, finding.Sentence) { At = now } : null;
    }

    private static RestraintSet? Release(HomeState state, Thing thing, DateTimeOffset now) =>
        thing.Restraint == Restraint.Throttled && !state.OpenFindings.Any(other => other.Thing == thing.Mac)
            ? new RestraintSet(thing.Mac, Restraint.None, "It has been quiet for a while.") { At = now }
            : null;
}
