using System.Text.Json.Serialization;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Console.Notices;

/// <summary>Something the owner should hear of now. Holds no secret: whoever reads it learns what the pages say, and can do nothing with it.</summary>
/// <param name="Event"><c>question</c>, <c>finding</c> or <c>update</c>.</param>
/// <param name="Title">One line for a phone's lock screen.</param>
/// <param name="Path">The console's page about it.</param>
public sealed record Notice(string Event, DateTimeOffset At, MacAddress Thing, string Name, string Title, string Text, string Path)
{
    /// <summary>What a change is worth saying, or null. Pure.</summary>
    internal static Notice? Of(Recorded recorded)
    {
        var (before, after) = (recorded.Before, recorded.After);
        switch (recorded.Change)
        {
            case QuestionAsked when after.Questions.TryGetValue(before.NextId, out var question):
                return Make(after, "question", recorded, question.Thing, Words.Ask(after, question), QuestionWords.Of(after, question).IfNo, Links.Question(question.Id));
            case FindingOpened when after.Findings.TryGetValue(before.NextId, out var finding):
                return Make(after, "finding", recorded, finding.Thing, $"{NameOf(after, finding.Thing)} {Words.Did(finding.Kind)}", finding.Sentence, Links.Incident(finding.Id));
            case UpdateStepped stepped when after.Updates.TryGetValue(stepped.UpdateId, out var update) && update.HasEnded && !before.Updates[update.Id].HasEnded:
                return Make(after, "update", recorded, update.Thing, Result(NameOf(after, update.Thing), update), update.Reason, Links.Thing(update.Thing));
            default:
                return null;
        }
    }

    private static Notice Make(HomeState state, string kind, Recorded recorded, MacAddress thing, string title, string text, string path) =>
        new(kind, recorded.Change.At, thing, NameOf(state, thing), title, text, path);

    private static string NameOf(HomeState state, MacAddress mac) => state.Find(mac)?.DisplayName ?? mac.ToString();

    private static string Result(string name, UpdateJob update) => update.State switch
    {
        UpdateState.Done => $"{name} was updated to {update.ToVersion}",
        UpdateState.RolledBack => $"The update of {name} did not go well: it is back as it was",
        UpdateState.Refused => $"The update of {name} was refused: nothing was changed",
        _ => $"{name} does not answer after its update: please look at it",
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Notice))]
internal sealed partial class NoticeJson : JsonSerializerContext;
