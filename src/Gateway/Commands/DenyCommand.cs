using System.CommandLine;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse deny</c>: not now to a question, or a permission taken back.</summary>
internal static class DenyCommand
{
    public static Command Create()
    {
        var subject = Arguments.QuestionOrThing();
        var name = Arguments.Name();
        var command = new ClientCommand("deny", "Say no to a question, or take back what a device may reach.", "gatehouse deny 12", "gatehouse deny plug cloud.example")
            .Acts("deny", parsed => AllowCommand.Subject(parsed.GetRequiredValue(subject), parsed.GetValue(name)));
        command.Arguments.Add(subject);
        command.Arguments.Add(name);
        return command;
    }
}
