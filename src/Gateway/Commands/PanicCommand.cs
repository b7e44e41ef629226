using System.CommandLine;
using Gatehouse.Console.Control;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse panic</c>: lets everything out for ten minutes.</summary>
internal static class PanicCommand
{
    public static Command Create()
    {
        var off = new Option<bool>("--off") { Description = "Put the fence up again now." };
        var command = new ClientCommand("panic", "Let everything out for ten minutes, when something must work now. It is written to the journal.",
            "gatehouse panic", "gatehouse panic --off").Acts("panic", parsed => new ActionRequest { On = !parsed.GetValue(off) });
        command.Options.Add(off);
        return command;
    }
}
