using System.Globalization;
using System.Text.Json;
using Gatehouse.Console.Pages;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Console;

internal sealed partial class Site
{
    private const int JournalLinesOfThing = 12;

    private DateTimeOffset Now => record.Time.GetUtcNow();

    private Task ShowAsync(Visit visit, CancellationToken stop) => visit.Segments switch
    {
        [] => ShowHomeAsync(visit),
        ["live"] => live.ServeAsync(visit.Context, stop),
        ["things", var mac] when Find(mac) is { } thing => ShowThingAsync(visit, thing),
        ["things", var mac, "traffic"] when Find(mac) is { } thing => WriteTrafficAsync(visit, thing.Mac),
        ["questions", var id] when Number(id) is { } number && record.Current.Questions.TryGetValue(number, out var question) => ShowQuestionAsync(visit, question),
        ["incidents", var id] when Number(id) is { } number && record.Current.Findings.TryGetValue(number, out var finding)
            && record.Current.Find(finding.Thing) is { } thing => ShowIncidentAsync(visit, thing, finding),
        ["journal"] => ShowJournalAsync(visit),
        ["settings"] => ShowSettingsAsync(visit, null),
        ["sign-out"] => RedirectAsync(visit, "/settings"),
        _ => NotHereAsync(visit),
    };

    private Task ShowHomeAsync(Visit visit) =>
        RenderAsync(visit, 200, HomePage.Create(HomeView.Of(Frame(visit, "Home", "home", live: true), record.Current, Now)));

    private async Task ShowThingAsync(Visit visit, Thing thing)
    {
        var journal = await record.JournalAsync(thing.Mac, long.MaxValue, JournalLinesOfThing, visit.Aborted);
        var view = ThingView.Of(Frame(visit, thing.DisplayName, "home", live: true), record.Current, thing, Chart(thing.Mac), counters.Of(thing.Mac), journal, Now);
        await RenderAsync(visit, 200, ThingPage.Create(view));
    }

    private Task ShowQuestionAsync(Visit visit, Question question) =>
        RenderAsync(visit, 200, QuestionPage.Create(QuestionView.Of(Frame(visit, "A question", "home", live: true), record.Current, question, Now)));

    private Task ShowIncidentAsync(Visit visit, Thing thing, Finding finding)
    {
        var incident = Incident.Around(record.Current, thing, finding);
        return RenderAsync(visit, 200, IncidentPage.Create(IncidentView.Of(Frame(visit, incident.Title, "home", live: true), record.Current, incident, Chart(thing.Mac), Now)));
    }

    private async Task ShowJournalAsync(Visit visit)
    {
        var query = visit.Context.Request.Query;
        var thing = query["thing"].ToString() is { Length: > 0 } text ? Find(text) : null;
        var before = Number(query["before"].ToString()) ?? long.MaxValue;
        var entries = await record.JournalAsync(thing?.Mac, before, JournalView.PageLines, visit.Aborted);
        await RenderAsync(visit, 200, JournalPage.Create(JournalView.Of(Frame(visit, "Journal", "journal", live: before == long.MaxValue), record.Current, thing, entries, Now)));
    }

    private Task ShowSettingsAsync(Visit visit, string? error)
    {
        var state = record.Current;
        var panic = state.PanicUntil is { } until && until > Now ? Words.Span(until - Now) : null;
        return RenderAsync(visit, error is null ? 200 : 422, SettingsPage.Create(new SettingsView(Frame(visit, "Settings", "settings"), state.Mode == GuardMode.Guarding, panic,
            Entry.Passphrase.MinLength, error, typeof(Site).Assembly.GetName().Version?.ToString(3) ?? "")));
    }

    private Task NotHereAsync(Visit visit) => RenderAsync(visit, 404, MessagePage.Create(new MessageView(Frame(visit, "Not here", ""), "That is not here",
        "The page you asked for does not exist, or what it was about has gone.")));

    private async Task WriteTrafficAsync(Visit visit, MacAddress mac)
    {
        visit.Context.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(visit.Context.Response.Body);
        var history = traffic.Of(mac, ChartView.Seconds);
        writer.WriteStartObject();
        WriteSeries(writer, "time", history, second => second.At.ToUnixTimeSeconds());
        WriteSeries(writer, "sent", history, second => Math.Max(0, second.PacketsOut - second.Blocked));
        WriteSeries(writer, "stopped", history, second => second.Blocked);
        writer.WriteEndObject();
    }

    private static void WriteSeries(Utf8JsonWriter writer, string name, IReadOnlyList<TrafficSecond> history, Func<TrafficSecond, long> value)
    {
        writer.WriteStartArray(name);
        foreach (var second in history) writer.WriteNumberValue(value(second));
        writer.WriteEndArray();
    }

    private ChartView Chart(MacAddress mac) => ChartView.Of(Links.Thing(mac) + "/traffic", traffic.Of(mac, ChartView.Seconds));

    private PageFrame Frame(Visit visit, string title, string tab, bool live = false)
    {
        var state = record.Current;
        var request = visit.Context.Request;
        return new PageFrame(title, tab, visit.FormToken, live && visit.Session is not null ? request.Path + request.QueryString : null, visit.Session?.TakeSaid(),
            visit.Session is not null, visit.Session is null ? 0 : state.OpenQuestions.Count() + Incident.All(state).Length, visit.Session is null ? null : Banner.Of(state, Now));
    }

    private Thing? Find(string mac) => MacAddress.TryParse(mac, out var parsed) ? record.Current.Find(parsed) : null;

    private static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static Task RedirectAsync(Visit visit, string where)
    {
        // 303: the browser asks for the page with GET, so loading it again does not act again.
        visit.Context.Response.StatusCode = StatusCodes.Status303SeeOther;
        visit.Context.Response.Headers.Location = where;
        return Task.CompletedTask;
    }
}
