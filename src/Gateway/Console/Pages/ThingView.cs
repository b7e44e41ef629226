using System.Collections.Immutable;
using Gatehouse.Home;

namespace Gatehouse.Console.Pages;

/// <summary>One device: what works and what does not, who it is, what it did.</summary>
public sealed record ThingView(
    PageFrame Frame, string Href, string Name, string? OwnerName, string What, string Icon, string Tone, string Sentence, string Facts,
    string? IncidentHref, string? IncidentTitle, UpdateView? Update, OfferCard? Offer, ImmutableArray<QuestionCard> Questions,
    ImmutableArray<WayOut> Ways, string Shut, ImmutableArray<WayIn> WaysIn, ChartView Chart,
    ImmutableArray<ClaimRow> Claims, ImmutableArray<Evidence> ClassEvidence, string ClassSentence, bool IsComputer, bool IsHeld,
    ImmutableArray<JournalRow> Journal, string JournalHref)
{
    internal static ThingView Of(PageFrame frame, HomeState state, Thing thing, ChartView chart, FenceCount count, ImmutableArray<JournalEntry> journal, DateTimeOffset now)
    {
        var incident = Incident.Latest(state, thing);
        var open = incident is { IsOpen: true } ? incident : null;
        return new ThingView(
            frame, Links.Thing(thing.Mac), thing.DisplayName, thing.OwnerName, Words.What(thing), Words.Icon(thing), Words.Tone(state, thing),
            Words.Whole(state, thing), FactsOf(thing),
            incident is null ? null : Links.Incident(incident.Newest.Id), open?.Title, UpdateView.Latest(state, thing, now),
            open is null && state.UpdateUnderWay(thing.Mac) is null && state.OfferFor(thing.Mac) is { } offer ? OfferCard.Of(state, offer, frame.FormToken) : null,
            [.. state.OpenQuestions.Where(question => question.Thing == thing.Mac).Select(question => QuestionCard.Of(state, question, frame.FormToken, now))],
            WayOut.All(state, thing, now), Words.Shut(thing, count), [.. state.PortForwards.Values.Where(forward => forward.Thing == thing.Mac).OrderBy(forward => forward.Id).Select(WayIn.Of)], chart,
            ClaimRow.All(thing.Identity), thing.Identity.ClassEvidence, Words.ClassOf(thing), thing.Class == DeviceClass.Computer, thing.Restraint != Restraint.None,
            [.. journal.Select(entry => JournalRow.Of(state, entry, now))], Links.Journal(thing.Mac));
    }

    private static string FactsOf(Thing thing) => string.Join(" · ", new[]
    {
        thing.Address?.ToString(), thing.Mac.ToString(), thing.HostName is { } host && host != thing.DisplayName ? $"calls itself {host}" : null,
    }.OfType<string>());
}

/// <summary>A place a Thing may reach, or was refused, and the button that changes it.</summary>
/// <param name="Sentence">What this means for the owner.</param>
public sealed record WayOut(string Name, bool IsOpen, string Sentence, string Details, string Action, string Button)
{
    internal static ImmutableArray<WayOut> All(HomeState state, Thing thing, DateTimeOffset now) =>
    [
        .. from permission in state.Permissions.Values
           where permission.Thing == thing.Mac
           orderby permission.Id
           let asked = state.Questions.Values.FirstOrDefault(question => question.Thing == thing.Mac && question.Subject == permission.Name && question.Hint.Length > 0)
           select new WayOut(permission.Name ?? permission.Prefix!, true,
               (asked is null ? "" : Words.Sentence(asked.Hint) + " ") + $"{(permission.Origin == PermissionOrigin.Owner ? "You allowed this" : "Allowed because its maker says it needs this")} {Words.Ago(permission.Since, now)}.",
               string.Join(", ", permission.Ports), $"/permissions/{permission.Id}/revoke", "Take back"),
        .. from question in state.Questions.Values
           where question.Thing == thing.Mac && question.Kind == QuestionKind.Reach && question.Answer == Answer.No
           orderby question.Id
           select new WayOut(question.Subject, false,
               $"You said “not now” {Words.Ago(question.Answered ?? question.Asked, now)}, so {(question.Hint.Length > 0 ? "this does not work: " + Words.Sentence(question.Hint) : "what needs it does not work.")}",
               string.Join(", ", question.Ports), $"/questions/{question.Id}/yes", "Allow after all"),
    ];
}

/// <summary>A way in from the Internet.</summary>
public sealed record WayIn(string Title, bool IsOpen, string Sentence, string Action, string Button)
{
    internal static WayIn Of(PortForward forward) => forward.IsOpen
        ? new($"Port {forward.WanPort} → its {Words.Service(forward.ThingPort)}", true, "Anybody on the Internet can knock here. This was so before Gatehouse came.", $"/forwards/{forward.Id}/close", "Close")
        : new($"Port {forward.WanPort} → its {Words.Service(forward.ThingPort)}", false, "Closed. Nobody on the Internet can knock here.", $"/forwards/{forward.Id}/open", "Open again");
}

/// <summary>One part of an identity with what supports it.</summary>
public sealed record ClaimRow(string Label, string Value, string Sureness, ImmutableArray<Evidence> Evidence)
{
    internal static ImmutableArray<ClaimRow> All(Identity identity) =>
    [
        .. from claim in new (string Label, Claim? Claim)[] { ("What it is", identity.Kind), ("Maker", identity.Vendor), ("Model", identity.Model), ("Firmware", identity.Firmware) }
           where claim.Claim is not null
           select new ClaimRow(claim.Label, claim.Claim.Value, claim.Claim.Confidence switch { >= 0.9 => "sure", >= 0.6 => "quite sure", _ => "a guess" }, claim.Claim.Evidence),
    ];
}

/// <summary>An update, as steps one can follow.</summary>
/// <param name="Tone"><c>busy</c>, <c>good</c> or <c>bad</c>.</param>
public sealed record UpdateView(string Title, string Sentence, string Tone, ImmutableArray<UpdateStep> Steps)
{
    private static readonly (UpdateState State, string Label)[] Way =
    [
        (UpdateState.Fetching, "Check signatures"), (UpdateState.BackingUp, "Keep the way back"), (UpdateState.Installing, "Install"),
        (UpdateState.Checking, "Restart, check it is well"), (UpdateState.Securing, "Its own password"),
    ];

    /// <summary>How long an ended update stays on the Thing's page.</summary>
    private static readonly TimeSpan ShowFor = TimeSpan.FromDays(7);

    /// <summary>The Thing's newest update while it runs and for some days after.</summary>
    internal static UpdateView? Latest(HomeState state, Thing thing, DateTimeOffset now)
    {
        var update = state.Updates.Values.Where(update => update.Thing == thing.Mac).MaxBy(update => update.Id);
        if (update is null || (update.HasEnded && now - update.Changed > ShowFor)) return null;

        var (title, tone) = update.State switch
        {
            UpdateState.Done => ($"Updated to {update.ToVersion} {Words.Ago(update.Changed, now)}", "good"),
            UpdateState.RolledBack => ($"Version {update.ToVersion} did not go well: it is back as it was", "bad"),
            UpdateState.Refused => ($"Version {update.ToVersion} was refused: nothing was changed", "bad"),
            UpdateState.Lost => ("It does not answer: please look at it", "bad"),
            UpdateState.RollingBack => ($"Putting back version {update.FromVersion}", "busy"),
            _ => ($"Updating from {update.FromVersion} to {update.ToVersion}", "busy"),
        };
        return new UpdateView(title, update.Reason, tone, update.HasEnded || update.State == UpdateState.RollingBack ? [] : [.. Way.Select(step => new UpdateStep(step.Label, Place(step.State, update.State)))]);
    }

    // Consent is over in a moment: the first step is shown as begun.
    private static string Place(UpdateState step, UpdateState now) => now == UpdateState.Consented ? step == UpdateState.Fetching ? "now" : "todo" : step < now ? "done" : step == now ? "now" : "todo";
}

/// <param name="Place"><c>done</c>, <c>now</c> or <c>todo</c>.</param>
public sealed record UpdateStep(string Label, string Place);
