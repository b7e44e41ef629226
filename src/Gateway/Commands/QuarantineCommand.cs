using System.CommandLine;
using Gatehouse.Console.Control;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse quarantine THING</c>: cuts a device off.</summary>
internal static class QuarantineCommand
{
    public static Command Create()
    {
        var thing = Arguments.Thing();
        var reason = new Option<string?>("--reason") { Description = "Why, in one sentence for the journal.", HelpName = "TEXT" };
        var command = new ClientCommand("quarantine", "Cut a device off: nothing from it or to it passes.",
            "gatehouse quarantine recorder", "gatehouse quarantine camera --reason 'It is going back to the shop.'")
            .Acts("quarantine", parsed => new ActionRequest { Thing = parsed.GetRequiredValue(thing), Reason = parsed.GetValue(reason) });
        command.Arguments.Add(thing);
        command.Options.Add(reason);
        return command;
    }
}
