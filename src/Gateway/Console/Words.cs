using Gatehouse.Home;

namespace Gatehouse.Console;

/// <summary>What the record says, in the words the owner reads. Pure: pages, the command line and JSON show the same sentences.</summary>
internal static class Words
{
    /// <summary>A question as one sentence.</summary>
    public static string Ask(HomeState state, Question question)
    {
        var name = state.Find(question.Thing)?.DisplayName ?? question.Thing.ToString();
        return question.Kind switch
        {
            QuestionKind.Reach => $"May {name} reach {question.Subject}?",
            QuestionKind.IsComputer => $"Is {name} a computer or phone of yours?",
            _ => $"Shall anybody on the Internet be able to knock at {name}?",
        };
    }

    public static string Answered(HomeState state, Question question, Answer answer)
    {
        var name = state.Find(question.Thing)?.DisplayName ?? question.Thing.ToString();
        return (question.Kind, answer) switch
        {
            (QuestionKind.Reach, Answer.Yes) => $"{name} may reach {question.Subject} now, and nothing else.",
            (QuestionKind.Reach, _) => $"{name} may not reach {question.Subject}.",
            (QuestionKind.IsComputer, Answer.Yes) => $"{name} is a computer of yours: it is let out.",
            (QuestionKind.IsComputer, _) => $"{name} stays fenced.",
            (_, Answer.Yes) => $"The way in to {name} stays open.",
            _ => $"The way in to {name} is closed.",
        };
    }

    public static string NoOffer(HomeState state, Thing thing)
    {
        var refused = state.Offers.Values.Where(offer => offer.Thing == thing.Mac).OrderByDescending(offer => offer.Id).FirstOrDefault();
        return refused?.RefusedBecause is { } reason
            ? $"There is no newer firmware for {thing.DisplayName}. Version {refused.Version} is not offered: {reason}"
            : $"There is no newer firmware for {thing.DisplayName}.";
    }

    /// <summary>One sentence on how a Thing is: the most pressing fact only.</summary>
    public static string StateOf(HomeState state, Thing thing)
    {
        if (state.UpdateUnderWay(thing.Mac) is { } update) return $"Being updated to {update.ToVersion}: {Step(update.State)}.";
        if (thing.Restraint == Restraint.CutOff) return "Cut off: nothing from it or to it passes.";
        if (thing.Restraint == Restraint.Throttled) return "Slowed down to a trickle.";
        if (state.OfferFor(thing.Mac) is { } offer) return offer.IsSecurity ? $"A security update to {offer.Version} is ready." : $"An update to {offer.Version} is ready.";

        var waiting = state.OpenQuestions.Count(question => question.Thing == thing.Mac);
        if (waiting > 0) return waiting == 1 ? "Waits for your answer to one question." : $"Waits for your answer to {waiting} questions.";
        if (thing.Class == DeviceClass.Computer) return "A computer: it is let out.";

        var ways = state.Permissions.Values.Count(permission => permission.Thing == thing.Mac);
        return ways switch { 0 => "Fenced: it reaches nothing outside.", 1 => "Fenced: it reaches one place you allowed.", _ => $"Fenced: it reaches {ways} places you allowed." };
    }

    /// <summary>An update's step as something one is in the middle of.</summary>
    public static string Step(UpdateState state) => state switch
    {
        UpdateState.Consented => "about to begin",
        UpdateState.Fetching => "fetching the firmware and checking its signatures",
        UpdateState.BackingUp => "keeping what is needed for the way back",
        UpdateState.Installing => "installing",
        UpdateState.Checking => "restarting it and checking that it is well",
        UpdateState.Securing => "replacing its password",
        UpdateState.RollingBack => "putting back what was there",
        UpdateState.Done => "done",
        UpdateState.RolledBack => "back as it was",
        UpdateState.Refused => "refused",
        _ => "it does not answer: please look at it",
    };
}
