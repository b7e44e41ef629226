using System.Collections.Immutable;
using Gatehouse.Home;

namespace Gatehouse.Console.Pages;

/// <summary>The home page: what needs the owner first, then what is here.</summary>
public sealed record HomeView(
    PageFrame Frame, string Tone, string Headline, string Sentence,
    ImmutableArray<IncidentCard> Incidents, ImmutableArray<QuestionCard> Questions, ImmutableArray<OfferCard> Offers,
    ImmutableArray<ThingCard> Things, ImmutableArray<ThingCard> Computers)
{
    internal static HomeView Of(PageFrame frame, HomeState state, DateTimeOffset now)
    {
        var incidents = Incident.All(state);
        var questions = state.OpenQuestions.ToImmutableArray();
        var offers = state.Things.Values.Select(thing => state.OfferFor(thing.Mac)).OfType<Offer>()
            .Where(offer => state.UpdateUnderWay(offer.Thing) is null && incidents.All(incident => incident.Thing.Mac != offer.Thing)).ToImmutableArray();
        var (tone, headline, sentence) = Words.Home(state, incidents, questions.Length, offers.Length, now);
        return new HomeView(frame, tone, headline, sentence,
            [.. incidents.Select(incident => IncidentCard.Of(state, incident, frame.FormToken, now))],
            [.. questions.Select(question => QuestionCard.Of(state, question, frame.FormToken, now))],
            [.. offers.Select(offer => OfferCard.Of(state, offer, frame.FormToken))],
            Cards(state, thing => thing.Class != DeviceClass.Computer), Cards(state, thing => thing.Class == DeviceClass.Computer));
    }

    private static ImmutableArray<ThingCard> Cards(HomeState state, Func<Thing, bool> which) =>
    [
        .. state.Things.Values.Where(which).Select(thing => ThingCard.Of(state, thing))
            .OrderBy(card => card.Tone switch { "bad" => 0, "busy" => 1, "ask" => 2, "new" => 3, _ => 4 }).ThenBy(card => card.Name, StringComparer.OrdinalIgnoreCase),
    ];
}

/// <summary>One device on the home page.</summary>
/// <param name="Tone"><c>bad</c>, <c>busy</c>, <c>ask</c>, <c>new</c>, <c>good</c> or <c>free</c>: the colour of its mark.</param>
public sealed record ThingCard(string Href, string Name, string What, string Icon, string Tone, string State)
{
    internal static ThingCard Of(HomeState state, Thing thing) => new(
        Links.Thing(thing.Mac), thing.DisplayName, Words.What(thing), Words.Icon(thing), Words.Tone(state, thing), Words.Brief(state, thing));
}

/// <summary>A question with its two answers.</summary>
/// <param name="IfYes">What OK does.</param>
/// <param name="IfNo">What does not work as long as it is not OK.</param>
public sealed record QuestionCard(
    long Id, string Href, string ThingHref, string ThingName, string Icon, string Title, string Subject, string Why, string IfYes, string IfNo, string Yes, string No, string Ago, string FormToken)
{
    internal static QuestionCard Of(HomeState state, Question question, string token, DateTimeOffset now)
    {
        var thing = state.Find(question.Thing);
        var words = QuestionWords.Of(state, question);
        return new QuestionCard(question.Id, Links.Question(question.Id), Links.Thing(question.Thing), thing?.DisplayName ?? question.Thing.ToString(),
            thing is null ? "unknown" : Words.Icon(thing), Words.Ask(state, question), words.Subject, words.Why, words.IfYes, words.IfNo, words.Yes, words.No,
            Words.Ago(question.Asked, now), token);
    }
}

/// <summary>An update that one press installs.</summary>
public sealed record OfferCard(string ThingHref, string ThingName, string Icon, string Title, string Sentence, string Action, bool IsSecurity, string FormToken)
{
    internal static OfferCard Of(HomeState state, Offer offer, string token)
    {
        var thing = state.Find(offer.Thing)!;
        return new OfferCard(Links.Thing(offer.Thing), thing.DisplayName, Words.Icon(thing), Words.OfferTitle(thing, offer), Words.OfferSentence(thing, offer),
            Links.Thing(offer.Thing) + "/update", offer.IsSecurity, token);
    }
}

/// <summary>An incident on the home page, with the button that helps and the way to its page.</summary>
/// <param name="Help">What the button does, or why there is none.</param>
/// <param name="Button">Null where nothing is left to do.</param>
public sealed record IncidentCard(string Href, string Icon, string Title, string Sentence, string Help, string? Button, string Action, string FormToken)
{
    internal static IncidentCard Of(HomeState state, Incident incident, string token, DateTimeOffset now)
    {
        var cure = Cure.Of(state, incident.Thing);
        return new IncidentCard(Links.Incident(incident.Newest.Id), Words.Icon(incident.Thing), incident.Title, $"{Words.Stopped(incident.Thing)} It began {Words.Ago(incident.Started, now)}.",
            cure.Sentence, cure.Button, $"{Links.Thing(incident.Thing.Mac)}/{cure.Action}", token);
    }
}
