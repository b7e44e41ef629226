using System.CommandLine;
using Gatehouse.Console.Control;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse release THING</c>: lets a device in again.</summary>
internal static class ReleaseCommand
{
    public static Command Create()
    {
        var thing = Arguments.Thing();
        var command = new ClientCommand("release", "Let a device in again that was slowed down or cut off.", "gatehouse release recorder")
            .Acts("release", parsed => new ActionRequest { Thing = parsed.GetRequiredValue(thing) });
        command.Arguments.Add(thing);
        return command;
    }
}
