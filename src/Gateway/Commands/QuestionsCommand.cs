using System.CommandLine;
using Gatehouse.Console.Control;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse questions</c>: what waits for the owner's answer.</summary>
internal static class QuestionsCommand
{
    public static Command Create()
    {
        var all = new Option<bool>("--all") { Description = "Also those that are answered." };
        var command = new ClientCommand("questions", "List what waits for your answer. No answer means no.", "gatehouse questions", "gatehouse questions --all --json")
            .Runs(async (parsed, client, printer, cancellationToken) =>
            {
                var questions = await client.GetAsync(parsed.GetValue(all) ? "v1/questions?all" : "v1/questions", ControlJson.Default.ImmutableArrayQuestionLine, cancellationToken);
                if (printer.Json) printer.Write(questions, ControlJson.Default.ImmutableArrayQuestionLine);
                else if (questions.IsEmpty) printer.Line("Nothing waits for your answer.");
                else printer.Table(["NO.", "QUESTION", "HINT", "ANSWER"], questions.Select(Row));
                return ExitCode.Ok;
            });
        command.Options.Add(all);
        return command;
    }

    private static string[] Row(QuestionLine question) =>
    [
        question.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), question.Text, question.Hint,
        question.Answer switch { Home.Answer.Yes => "OK", Home.Answer.No => "not now", _ => "-" },
    ];
}
