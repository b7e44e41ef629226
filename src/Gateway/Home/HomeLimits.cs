using System.Collections.Immutable;
using Gatehouse.Wire;

namespace Gatehouse.Home;

/// <summary>How much the record keeps. What goes when a limit is reached is written beside it; what the owner decided never goes by itself.</summary>
public static class HomeLimits
{
    /// <summary>
    /// Things kept. A hostile device can show a new MAC address with every frame; beyond this many, the one seen longest ago that has no name, no
    /// answer and no permission is forgotten (it stays fenced: an unknown address is).
    /// </summary>
    public const int MaxThings = 1024;

    /// <summary>Questions kept; the oldest answered one goes first, then the oldest.</summary>
    public const int MaxQuestions = 4096;

    /// <summary>Findings kept; the oldest that has ended goes first, then the oldest.</summary>
    public const int MaxFindings = 2048;

    /// <summary>Updates kept; the oldest that has ended goes. One that has not ended never goes.</summary>
    public const int MaxUpdates = 2048;

    /// <summary>
    /// Offers kept; the oldest that is not the open one of its Thing goes. Kept long, since a refused release is known by its offer.
    /// </summary>
    public const int MaxOffers = 4096;

    /// <summary>The state with every table within its limit; the same instance when it already is.</summary>
    public static HomeState Trim(HomeState state)
    {
        if (state.Things.Count > MaxThings) state = ForgetThings(state);
        if (state.Questions.Count > MaxQuestions)
            state = state with { Questions = Shrink(state.Questions, MaxQuestions, question => (question.Answer == Answer.None ? 1 : 0, question.Id)) };
        if (state.Findings.Count > MaxFindings)
            state = state with { Findings = Shrink(state.Findings, MaxFindings, finding => (finding.Ended is null ? 1 : 0, finding.Id)) };
        if (state.Updates.Count > MaxUpdates)
            state = state with { Updates = Shrink(state.Updates, MaxUpdates, update => (update.HasEnded ? 0 : 1, update.Id)) };
        if (state.Offers.Count > MaxOffers)
            state = state with { Offers = Shrink(state.Offers, MaxOffers, offer => (state.OfferFor(offer.Thing)?.Id == offer.Id ? 1 : 0, offer.Id)) };
        return state;
    }

    private static HomeState ForgetThings(HomeState state)
    {
        var answered = state.Questions.Values.Where(question => question.Answer != Answer.None).Select(question => question.Thing)
            .Concat(state.Permissions.Values.Select(permission => permission.Thing))
            .Concat(state.Updates.Values.Select(update => update.Thing))
            .ToHashSet();
        var forgotten = (from thing in state.Things.Values
                         where thing.OwnerName is null && !thing.IsClassChosenByOwner && thing.Restraint == Restraint.None && !answered.Contains(thing.Mac)
                         orderby thing.LastSeen
                         select thing.Mac).Take(state.Things.Count - MaxThings).ToHashSet();
        return state with
        {
            Things = state.Things.RemoveRange(forgotten),
            Questions = Without(state.Questions, question => question.Thing, forgotten),
            Findings = Without(state.Findings, finding => finding.Thing, forgotten),
            Offers = Without(state.Offers, offer => offer.Thing, forgotten),
        };
    }

    private static ImmutableDictionary<long, T> Without<T>(ImmutableDictionary<long, T> table, Func<T, MacAddress> thing, HashSet<MacAddress> forgotten) =>
        table.RemoveRange(table.Where(row => forgotten.Contains(thing(row.Value))).Select(row => row.Key));

    /// <summary>Drops the rows that sort first until a tenth of the room is free, so that a full table is not sorted at every change.</summary>
    private static ImmutableDictionary<long, T> Shrink<T>(ImmutableDictionary<long, T> table, int limit, Func<T, (int Kept, long Id)> order) =>
        table.RemoveRange(table.OrderBy(row => order(row.Value)).Take(table.Count - limit * 9 / 10).Select(row => row.Key));
}
