using Gatehouse.Home;

namespace Gatehouse.Console;

/// <summary>A question in the words of somebody who does not know what a port is. Pure.</summary>
internal sealed record QuestionWords(string Subject, string Why, string IfYes, string IfNo, string Yes, string No)
{
    public static QuestionWords Of(HomeState state, Question question)
    {
        var name = state.Find(question.Thing)?.DisplayName ?? question.Thing.ToString();
        return question.Kind switch
        {
            QuestionKind.Reach => Reach(name, question),
            QuestionKind.IsComputer => new(question.Subject, question.Hint.Length > 0 ? Words.Sentence(question.Hint) : "It says so itself, but that alone is easily copied, so you are asked.",
                $"{name} may then use the Internet freely, like every computer of the home.",
                "It stays fenced, like a Thing. Choose this if you do not know the device.", "Yes, it is mine", "No"),
            _ => Forward(state, name, question),
        };
    }

    private static QuestionWords Reach(string name, Question question)
    {
        var needed = question.Hint.Length > 0;
        return new(question.Subject,
            needed ? $"It needs this for: {Words.Sentence(question.Hint)}" : "Nobody has described yet what this is for. Often it is the maker's cloud: the app on your phone when you are away, or news of updates.",
            $"{name} may reach {question.Subject}, and nothing else. You can take it back at any time.",
            needed ? "Until you say OK, that does not work. Everything inside your home works as before."
                : $"Until you say OK, whatever {name} needs this for does not work. Everything inside your home works as before.",
            "OK", "Not now");
    }

    private static QuestionWords Forward(HomeState state, string name, Question question)
    {
        var forward = long.TryParse(question.Subject, out var id) ? state.PortForwards.GetValueOrDefault(id) : null;
        var port = forward is null ? "a port" : $"port {forward.WanPort}";
        return new(forward is null ? question.Subject : $"{port} leads to its {Words.Service(forward.ThingPort)}",
            "This way in was there before Gatehouse came. It is how recorders and cameras are most often broken into.",
            $"Anybody on the Internet can go on knocking at {name}.",
            $"Nobody on the Internet can knock at {name} any more. Looking at it from outside without its app may stop working.", "Leave it open", "Close it");
    }
}
