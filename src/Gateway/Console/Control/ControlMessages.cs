using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Console.Control;

/// <summary>One line of <c>gatehouse things</c>.</summary>
/// <param name="Name">What it is called; its own text where neither the owner nor a pack named it.</param>
/// <param name="State">How it is, in one sentence.</param>
public sealed record ThingSummary(
    MacAddress Mac, string Name, string? Address, DeviceClass Class, string? Vendor, string? Model, string? Kind, string? Firmware,
    Restraint Restraint, int OpenQuestions, int OpenFindings, string? Offer, string? Update, string State)
{
    internal static ThingSummary Of(HomeState state, Thing thing) => new(
        thing.Mac, thing.DisplayName, thing.Address?.ToString(), thing.Class,
        thing.Identity.Vendor?.Value, thing.Identity.Model?.Value, thing.Identity.Kind?.Value, thing.Identity.Firmware?.Value,
        thing.Restraint,
        state.OpenQuestions.Count(question => question.Thing == thing.Mac),
        state.OpenFindings.Count(finding => finding.Thing == thing.Mac),
        state.OfferFor(thing.Mac)?.Version,
        state.UpdateUnderWay(thing.Mac)?.State.ToString(),
        Words.StateOf(state, thing));
}

/// <summary>Everything known of one Thing: <c>gatehouse show</c>.</summary>
/// <param name="Offers">Every release found for it, refused ones with the reason; newest first.</param>
/// <param name="Updates">Newest first.</param>
public sealed record ThingDetails(
    string Name, string State, Thing Thing, ImmutableArray<Permission> Permissions, ImmutableArray<PortForward> PortForwards, ImmutableArray<Question> Questions,
    ImmutableArray<Finding> Findings, ImmutableArray<Offer> Offers, ImmutableArray<UpdateJob> Updates, long PacketsPassed, long PacketsBlocked)
{
    internal static ThingDetails Of(HomeState state, Thing thing, FenceCount count) => new(
        thing.DisplayName, Words.StateOf(state, thing), thing,
        [.. state.Permissions.Values.Where(item => item.Thing == thing.Mac).OrderBy(item => item.Id)],
        [.. state.PortForwards.Values.Where(item => item.Thing == thing.Mac).OrderBy(item => item.Id)],
        [.. state.Questions.Values.Where(item => item.Thing == thing.Mac).OrderBy(item => item.Id)],
        [.. state.Findings.Values.Where(item => item.Thing == thing.Mac).OrderByDescending(item => item.Id)],
        [.. state.Offers.Values.Where(item => item.Thing == thing.Mac).OrderByDescending(item => item.Id)],
        [.. state.Updates.Values.Where(item => item.Thing == thing.Mac).OrderByDescending(item => item.Id)],
        count.Passed, count.Blocked);
}

/// <summary>A question with the Thing's name beside it.</summary>
public sealed record QuestionLine(long Id, MacAddress Thing, string Name, QuestionKind Kind, string Subject, string Text, string Hint, Answer Answer, DateTimeOffset Asked);

/// <summary>The body of an action's request; each action reads the fields it names.</summary>
public sealed record ActionRequest
{
    /// <summary>A Thing, as a person names it.</summary>
    public string? Thing { get; init; }

    public long? Question { get; init; }

    /// <summary>A DNS name.</summary>
    public string? Name { get; init; }

    /// <summary><c>tcp/443</c>…; empty: the usual ones.</summary>
    public ImmutableArray<string> Ports { get; init; } = [];

    public string? Reason { get; init; }
    public bool On { get; init; }
}

/// <summary>The answer to an action, and to any request that could not be done.</summary>
/// <param name="Outcome"><c>done</c>, <c>not-found</c>, <c>ambiguous</c>, <c>refused</c> or <c>bad-request</c>.</param>
/// <param name="Candidates">What it may have meant, where that helps.</param>
public sealed record ActionReply(string Outcome, string Sentence, ImmutableArray<string> Candidates);

/// <summary>A one-time code that lets a browser in.</summary>
public sealed record CodeReply(string Code, DateTimeOffset Until);

/// <summary>How the API's messages are written.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true,
    Converters = [typeof(IPAddressJsonConverter)])]
[JsonSerializable(typeof(ImmutableArray<ThingSummary>))]
[JsonSerializable(typeof(ThingDetails))]
[JsonSerializable(typeof(ImmutableArray<QuestionLine>))]
[JsonSerializable(typeof(ImmutableArray<JournalEntry>))]
[JsonSerializable(typeof(ActionRequest))]
[JsonSerializable(typeof(ActionReply))]
[JsonSerializable(typeof(CodeReply))]
public sealed partial class ControlJson : JsonSerializerContext;
