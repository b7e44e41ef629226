using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gatehouse.Console.Entry;
using Gatehouse.Home;

namespace Gatehouse.Console.Control;

/// <summary>
/// The JSON API behind <c>control.sock</c>. Reads: <c>GET /v1/things</c>, <c>/v1/things/THING</c>, <c>/v1/questions</c>, <c>/v1/journal</c>.
/// Actions: <c>POST /v1/allow|deny|update|quarantine|release|panic</c> with an <see cref="ActionRequest"/>; each answers an <see cref="ActionReply"/>.
/// <c>POST /v1/code</c> answers a one-time code for a new passphrase.
/// </summary>
internal sealed class ControlApi(HomeRecord record, OwnerActions actions, IFenceCounters counters, Gate gate)
{
    public const int DefaultJournalLines = 50;

    private delegate Task<ActionResult> ThingAction(Thing thing, ActionRequest request, CancellationToken cancellationToken);

    public Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        return (context.Request.Method, path) switch
        {
            ("GET", "/v1/things") => Write(context, ControlJson.Default.ImmutableArrayThingSummary,
                [.. record.Current.Things.Values.OrderBy(thing => thing.Class).ThenBy(thing => thing.DisplayName, StringComparer.OrdinalIgnoreCase)
                    .Select(thing => ThingSummary.Of(record.Current, thing))]),
            ("GET", _) when path.StartsWith("/v1/things/", StringComparison.Ordinal) => ShowAsync(context, path["/v1/things/".Length..]),
            ("GET", "/v1/questions") => Write(context, ControlJson.Default.ImmutableArrayQuestionLine, Questions(context.Request.Query.ContainsKey("all"))),
            ("GET", "/v1/journal") => JournalAsync(context),
            ("POST", "/v1/allow") => ActAsync(context, AllowAsync),
            ("POST", "/v1/deny") => ActAsync(context, DenyAsync),
            ("POST", "/v1/update") => ActAsync(context, OnThing((thing, _, token) => actions.UpdateAsync(thing.Mac, token))),
            ("POST", "/v1/quarantine") => ActAsync(context, OnThing((thing, request, token) => actions.QuarantineAsync(thing.Mac, request.Reason, token))),
            ("POST", "/v1/release") => ActAsync(context, OnThing((thing, _, token) => actions.ReleaseAsync(thing.Mac, token))),
            ("POST", "/v1/panic") => ActAsync(context, async (request, token) => Reply(await actions.PanicAsync(request.On, token))),
            ("POST", "/v1/code") => Write(context, ControlJson.Default.CodeReply, MakeCode()),
            _ => Reply(context, new ActionReply("not-found", $"There is no {context.Request.Method} {path}.", [])),
        };
    }

    private CodeReply MakeCode()
    {
        var (code, until) = gate.MakeCode();
        return new CodeReply(code, until);
    }

    private Task ShowAsync(HttpContext context, string text) => TryFind(text, out var thing, out var why)
        ? Write(context, ControlJson.Default.ThingDetails, ThingDetails.Of(record.Current, thing, counters.Of(thing.Mac)))
        : Reply(context, why);

    private ImmutableArray<QuestionLine> Questions(bool all)
    {
        var state = record.Current;
        return
        [
            .. from question in all ? state.Questions.Values.OrderBy(question => question.Id) : state.OpenQuestions
               select new QuestionLine(question.Id, question.Thing, state.Find(question.Thing)?.DisplayName ?? question.Thing.ToString(), question.Kind,
                   question.Subject, Words.Ask(state, question), question.Hint, question.Answer, question.Asked),
        ];
    }

    private async Task JournalAsync(HttpContext context)
    {
        var query = context.Request.Query;
        Thing? thing = null;
        if (query["thing"].ToString() is { Length: > 0 } text && !TryFind(text, out thing, out var why))
        {
            await Reply(context, why);
            return;
        }

        var count = int.TryParse(query["count"], NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : DefaultJournalLines;
        var before = long.TryParse(query["before"], NumberStyles.None, CultureInfo.InvariantCulture, out var sequence) ? sequence : long.MaxValue;
        await Write(context, ControlJson.Default.ImmutableArrayJournalEntry, await record.JournalAsync(thing?.Mac, before, count, context.RequestAborted));
    }

    private async Task<ActionReply> AllowAsync(ActionRequest request, CancellationToken cancellationToken)
    {
        if (request.Question is { } id) return Reply(await actions.AnswerAsync(id, Answer.Yes, cancellationToken));
        if (!TypedName.TryNormalise(request.Name, out var name)) return Bad("Name what it may reach, as a DNS name: cloud.example.");
        if (!TryPorts(request.Ports, out var ports)) return Bad("A port is written as tcp/443 or udp/53.");

        return TryFind(request.Thing, out var thing, out var why) ? Reply(await actions.AllowAsync(thing.Mac, name, ports, cancellationToken)) : why;
    }

    private async Task<ActionReply> DenyAsync(ActionRequest request, CancellationToken cancellationToken)
    {
        if (request.Question is { } id) return Reply(await actions.AnswerAsync(id, Answer.No, cancellationToken));
        if (!TypedName.TryNormalise(request.Name, out var name)) return Bad("Name what it may not reach, as a DNS name: cloud.example.");

        return TryFind(request.Thing, out var thing, out var why) ? Reply(await actions.DenyAsync(thing.Mac, name, cancellationToken)) : why;
    }

    private Func<ActionRequest, CancellationToken, Task<ActionReply>> OnThing(ThingAction action) =>
        async (request, token) => TryFind(request.Thing, out var thing, out var why) ? Reply(await action(thing, request, token)) : why;

    private static async Task ActAsync(HttpContext context, Func<ActionRequest, CancellationToken, Task<ActionReply>> action)
    {
        ActionReply reply;
        try
        {
            var request = await JsonSerializer.DeserializeAsync(context.Request.Body, ControlJson.Default.ActionRequest, context.RequestAborted);
            reply = await action(request ?? new ActionRequest(), context.RequestAborted);
        }
        catch (JsonException)
        {
            reply = Bad("The request is not JSON as the API describes it.");
        }

        await Reply(context, reply);
    }

    private bool TryFind(string? text, [NotNullWhen(true)] out Thing? thing, [NotNullWhen(false)] out ActionReply? why)
    {
        var found = ThingLookup.Find(record.Current, text ?? "");
        thing = found.Length == 1 ? found[0] : null;
        why = found.Length switch
        {
            1 => null,
            0 => new ActionReply("not-found", $"There is no Thing '{text}'. Name it by its name, address or MAC address, or the beginning of one.", []),
            _ => new ActionReply("ambiguous", $"'{text}' may be any of {found.Length} Things. Say more of its name, or its MAC address.", [.. found.Take(10).Select(one => $"{one.Mac}  {one.DisplayName}")]),
        };
        return thing is not null;
    }

    private static bool TryPorts(ImmutableArray<string> texts, out ImmutableArray<TransportPort> ports)
    {
        var parsed = ImmutableArray.CreateBuilder<TransportPort>();
        foreach (var text in texts)
        {
            if (text.Split('/') is not [var protocol, var number] || !ushort.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0
                || protocol is not ("tcp" or "udp"))
            {
                ports = [];
                return false;
            }

            parsed.Add(new TransportPort(protocol == "tcp" ? TransportProtocol.Tcp : TransportProtocol.Udp, port));
        }

        ports = parsed.DrainToImmutable();
        return true;
    }

    private static ActionReply Reply(ActionResult result) => new(
        result.Outcome switch { Outcome.Done => "done", Outcome.NotFound => "not-found", _ => "refused" }, result.Sentence, []);

    private static ActionReply Bad(string sentence) => new("bad-request", sentence, []);

    private static Task Reply(HttpContext context, ActionReply reply)
    {
        context.Response.StatusCode = reply.Outcome switch { "done" => 200, "not-found" => 404, "bad-request" => 400, _ => 409 };
        return Write(context, ControlJson.Default.ActionReply, reply);
    }

    private static Task Write<T>(HttpContext context, JsonTypeInfo<T> type, T value)
    {
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }
}
