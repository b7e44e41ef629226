using System.Collections.Immutable;
using Gatehouse.Wire;

namespace Gatehouse.Home;

public enum GuardMode
{
    /// <summary>Reads and records; nothing is blocked. An existing home starts here.</summary>
    Watching,

    /// <summary>Default deny for Things.</summary>
    Guarding,
}

/// <summary>Everything the gateway knows, at one moment. Immutable: a <see cref="Change"/> gives the next one.</summary>
/// <remarks>Policy, pages and answers are pure functions of this; nothing else is consulted.</remarks>
public sealed record HomeState
{
    public static HomeState Empty { get; } = new();

    public GuardMode Mode { get; init; } = GuardMode.Guarding;

    /// <summary>Until this moment everything may pass (the owner's panic switch); null when it is not pressed.</summary>
    public DateTimeOffset? PanicUntil { get; init; }

    public ImmutableDictionary<MacAddress, Thing> Things { get; init; } = ImmutableDictionary<MacAddress, Thing>.Empty;
    public ImmutableDictionary<long, Permission> Permissions { get; init; } = ImmutableDictionary<long, Permission>.Empty;
    public ImmutableDictionary<long, PortForward> PortForwards { get; init; } = ImmutableDictionary<long, PortForward>.Empty;
    public ImmutableDictionary<long, Question> Questions { get; init; } = ImmutableDictionary<long, Question>.Empty;
    public ImmutableDictionary<long, Finding> Findings { get; init; } = ImmutableDictionary<long, Finding>.Empty;
    public ImmutableDictionary<long, Offer> Offers { get; init; } = ImmutableDictionary<long, Offer>.Empty;
    public ImmutableDictionary<long, UpdateJob> Updates { get; init; } = ImmutableDictionary<long, UpdateJob>.Empty;

    /// <summary>The id the next question, permission, finding, offer or update gets; ids are never used twice.</summary>
    public long NextId { get; init; } = 1;

    public Thing? Find(MacAddress mac) => Things.GetValueOrDefault(mac);

    /// <summary>Questions nobody answered yet, oldest first.</summary>
    public IEnumerable<Question> OpenQuestions => Questions.Values.Where(question => question.Answer == Answer.None).OrderBy(question => question.Id);

    /// <summary>Findings that have not ended, newest first.</summary>
    public IEnumerable<Finding> OpenFindings => Findings.Values.Where(finding => finding.Ended is null).OrderByDescending(finding => finding.Id);

    /// <summary>The offer to show for a Thing: the newest that is neither refused nor installed.</summary>
    public Offer? OfferFor(MacAddress mac) =>
        Offers.Values.Where(offer => offer.Thing == mac && offer.RefusedBecause is null).OrderByDescending(offer => offer.Id)
            .FirstOrDefault(offer => !Updates.Values.Any(update => update.OfferId == offer.Id && update.State == UpdateState.Done));

    /// <summary>The update of a Thing that has not ended, or null: there is at most one.</summary>
    public UpdateJob? UpdateUnderWay(MacAddress mac) => Updates.Values.FirstOrDefault(update => update.Thing == mac && !update.HasEnded);
}
