using System.Collections.Immutable;
using Gatehouse.Home;

namespace Gatehouse.Console;

/// <summary>What one Thing did in one go: its findings that belong together, oldest first. Pure.</summary>
internal sealed record Incident(Thing Thing, ImmutableArray<Finding> Findings)
{
    /// <summary>Findings further apart than this are different stories.</summary>
    private static readonly TimeSpan Gap = TimeSpan.FromHours(2);

    public Finding Newest => Findings[^1];
    public DateTimeOffset Started => Findings[0].Started;

    /// <summary>True while it goes on, or while the Thing is held because of it.</summary>
    public bool IsOpen => Thing.Restraint != Restraint.None || Findings.Any(finding => finding.Ended is null);

    /// <summary>The worst of it, with the Thing's name.</summary>
    public string Title => $"{Thing.DisplayName} {Words.Did(Findings.Select(finding => finding.Kind).MinBy(Severity))}";

    /// <summary>Incidents that are not over, newest first.</summary>
    public static ImmutableArray<Incident> All(HomeState state) =>
    [
        .. from thing in state.Things.Values
           let incident = Latest(state, thing)
           where incident is { IsOpen: true }
           orderby incident.Newest.Id descending
           select incident,
    ];

    /// <summary>The Thing's newest incident, open or over, or null.</summary>
    public static Incident? Latest(HomeState state, Thing thing) =>
        state.Findings.Values.Where(finding => finding.Thing == thing.Mac).MaxBy(finding => finding.Id) is { } newest ? Around(state, thing, newest) : null;

    /// <summary>The incident a finding is part of.</summary>
    public static Incident Around(HomeState state, Thing thing, Finding finding)
    {
        var all = state.Findings.Values.Where(other => other.Thing == thing.Mac).OrderBy(other => other.Started).ThenBy(other => other.Id).ToList();
        var at = all.FindIndex(other => other.Id == finding.Id);
        var (first, last) = (at, at);
        while (first > 0 && all[first].Started - (all[first - 1].Ended ?? all[first - 1].Updated) < Gap) first--;
        while (last < all.Count - 1 && all[last + 1].Started - (all[last].Ended ?? all[last].Updated) < Gap) last++;
        return new Incident(thing, [.. all[first..(last + 1)]]);
    }

    private static int Severity(FindingKind kind) => kind switch
    {
        FindingKind.Ddos => 0,
        FindingKind.Takeover => 1,
        FindingKind.CommandAndControl => 2,
        FindingKind.BruteForce => 3,
        FindingKind.Scan => 4,
        FindingKind.Reflector => 5,
        _ => 6,
    };
}

/// <summary>The one thing to do about a Thing that misbehaved. Pure.</summary>
/// <param name="Button">What the button says, or null where nothing is left to do.</param>
/// <param name="Action">The last part of the form's address.</param>
/// <param name="Sentence">What the button does, or why there is none.</param>
internal sealed record Cure(string? Button, string? Action, string Sentence)
{
    public static Cure Of(HomeState state, Thing thing)
    {
        var goesOn = state.OpenFindings.Any(finding => finding.Thing == thing.Mac);
        if (state.UpdateUnderWay(thing.Mac) is { } running)
            return new(null, null, $"It is being updated to {running.ToVersion}. It is let in again when it is well.");
        if (thing.Restraint == Restraint.None && !goesOn) return new(null, null, "This is over.");
        if (state.OfferFor(thing.Mac) is { } offer)
        {
            return new("Update it and let it in again", "update",
                $"Version {offer.Version} {(offer.IsSecurity ? "closes the hole it was attacked through" : "is newer than what it runs")}. Gatehouse installs it, checks that it is well, gives it a password of its own where it had a known one, closes the way in that was used, and lets it in again.");
        }

        return (thing.Restraint, goesOn) switch
        {
            (Restraint.CutOff, false) => new("Let it in again", "release",
                "There is no newer firmware that would make it safer. Restart it first: that clears what may still run on it. If it happens again, it is cut off again at once."),
            (Restraint.CutOff, true) => new(null, null, "It is still trying, but nothing gets through. Switch it off and on again; when it has been quiet for a while you can let it in again."),
            _ => new("Cut it off", "quarantine", "Then nothing from it or to it passes, until you say so."),
        };
    }
}
