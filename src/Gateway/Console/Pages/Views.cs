using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Home;

namespace Gatehouse.Console.Pages;

/// <summary>One question on a page of its own, with everything that helps to decide.</summary>
public sealed record QuestionView(PageFrame Frame, QuestionCard Card, string Kind, string Answered, string Ports, ImmutableArray<ClaimRow> Claims, string Who)
{
    internal static QuestionView Of(PageFrame frame, HomeState state, Question question, DateTimeOffset now)
    {
        var thing = state.Find(question.Thing);
        var answered = question.Answer switch
        {
            Answer.Yes => $"You said OK {Words.Ago(question.Answered ?? question.Asked, now)}.",
            Answer.No => $"You said “not now” {Words.Ago(question.Answered ?? question.Asked, now)}.",
            _ => "",
        };
        return new QuestionView(frame, QuestionCard.Of(state, question, frame.FormToken, now), question.Kind.ToString(), answered, string.Join(", ", question.Ports),
            thing is null ? [] : ClaimRow.All(thing.Identity), thing is null ? "" : Words.What(thing));
    }
}

/// <summary>What one Thing did, what was done about it, and the one button that helps.</summary>
public sealed record IncidentView(
    PageFrame Frame, string Title, string ThingName, string ThingHref, string Icon, bool IsOver, string Stopped, string Because,
    string? Button, string? Action, string CureSentence, UpdateView? Update, WayIn? WayIn, ImmutableArray<FindingRow> Findings, ChartView Chart)
{
    internal static IncidentView Of(PageFrame frame, HomeState state, Incident incident, ChartView chart, DateTimeOffset now)
    {
        var thing = incident.Thing;
        var cure = Cure.Of(state, thing);
        var current = Incident.Latest(state, thing)?.Newest.Id == incident.Newest.Id;
        var isOver = !current || !incident.IsOpen;
        var update = UpdateView.Latest(state, thing, now);
        return new IncidentView(frame, incident.Title, thing.DisplayName, Links.Thing(thing.Mac), Words.Icon(thing), isOver,
            isOver ? Words.Over(state, thing, incident) : Words.Stopped(thing), thing.Restraint == Restraint.None ? "" : thing.RestraintReason,
            isOver ? null : cure.Button, isOver || cure.Action is null ? null : $"{Links.Thing(thing.Mac)}/{cure.Action}", isOver ? "" : cure.Sentence,
            current && state.Updates.Values.Any(job => job.Thing == thing.Mac && job.Started >= incident.Started) ? update : null,
            isOver ? null : state.PortForwards.Values.Where(forward => forward.Thing == thing.Mac && forward.IsOpen).OrderBy(forward => forward.Id).Select(WayIn.Of).FirstOrDefault(),
            [.. incident.Findings.Select(finding => FindingRow.Of(finding, now))], chart);
    }
}

/// <summary>One finding in an incident's story.</summary>
public sealed record FindingRow(string Time, string Iso, string Sentence, string Until, string Rule, bool IsCertain, ImmutableArray<EvidenceItem> Evidence)
{
    internal static FindingRow Of(Finding finding, DateTimeOffset now) => new(
        finding.Started.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture), finding.Started.ToString("O", CultureInfo.InvariantCulture), Words.Sentence(finding.Sentence),
        finding.Ended is { } ended ? $"It stopped after {Words.Span(ended - finding.Started)}." : $"It goes on, {Words.Span(now - finding.Started)} so far.",
        finding.Rule, finding.Certainty == Certainty.Certain, finding.Evidence);
}

/// <summary>What happened, newest first.</summary>
public sealed record JournalView(PageFrame Frame, string? ThingName, string? ThingHref, ImmutableArray<JournalDay> Days, string? Older)
{
    public const int PageLines = 100;

    internal static JournalView Of(PageFrame frame, HomeState state, Thing? thing, ImmutableArray<JournalEntry> entries, DateTimeOffset now) => new(
        frame, thing?.DisplayName, thing is null ? null : Links.Thing(thing.Mac),
        [.. from entry in entries group JournalRow.Of(state, entry, null) by Day(entry.At, now) into day select new JournalDay(day.Key, [.. day])],
        entries.Length < PageLines ? null : $"{(thing is null ? "/journal?" : Links.Journal(thing.Mac) + "&")}before={entries[^1].Sequence.ToString(CultureInfo.InvariantCulture)}");

    private static string Day(DateTimeOffset at, DateTimeOffset now) => (now.ToLocalTime().Date - at.ToLocalTime().Date).Days switch
    {
        0 => "Today",
        1 => "Yesterday",
        _ => at.ToLocalTime().ToString("dddd, d MMMM yyyy", CultureInfo.InvariantCulture),
    };
}

public sealed record JournalDay(string Title, ImmutableArray<JournalRow> Rows);

/// <param name="Tone"><c>bad</c>, <c>ask</c>, <c>new</c>, <c>good</c>, or empty.</param>
public sealed record JournalRow(string Time, string Sentence, string? ThingHref, string Tone)
{
    /// <param name="now">Where rows of several days stand together: then those of other days show their date. Null: a heading shows it.</param>
    internal static JournalRow Of(HomeState state, JournalEntry entry, DateTimeOffset? now) => new(
        entry.At.ToLocalTime().ToString(now is null || now.Value.ToLocalTime().Date == entry.At.ToLocalTime().Date ? "HH:mm" : "d MMM", CultureInfo.InvariantCulture), entry.Sentence,
        entry.Thing is { } mac && state.Find(mac) is not null ? Links.Thing(mac) : null,
        entry.Kind switch
        {
            "finding.opened" or "offer.refused" => "bad",
            "thing.restrained" => entry.Sentence.Contains("let in again", StringComparison.Ordinal) ? "good" : "bad",
            "question.asked" or "forward.found" or "gateway.panic" => "ask",
            "offer.made" or "update.begun" or "update.stepped" => "new",
            "question.answered" or "permission.granted" or "finding.ended" => "good",
            _ => "",
        });
}

/// <summary>How Gatehouse behaves, and who may look.</summary>
public sealed record SettingsView(PageFrame Frame, bool IsGuarding, string? PanicLeft, int MinPassphrase, string? Error, string Version);

/// <summary>The first step: claim the gateway, or choose a new passphrase with a one-time code.</summary>
public sealed record ClaimView(PageFrame Frame, bool IsFirst, string Code, int MinPassphrase, string? Error);

public sealed record SignInView(PageFrame Frame, string? Error);

/// <summary>A page that only says something.</summary>
public sealed record MessageView(PageFrame Frame, string Title, string Sentence);

/// <summary>What a fenced device's owner sees when it tries to open a web page.</summary>
/// <param name="Asked">True after "this is my computer" was pressed.</param>
/// <param name="CutOff">Why the device is cut off, or null where it is only fenced.</param>
public sealed record FencedView(string Wanted, bool Asked, string? CutOff);
