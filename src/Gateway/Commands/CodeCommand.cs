using System.CommandLine;
using Gatehouse.Console.Control;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse code</c>: the way back in for an owner who forgot the passphrase.</summary>
internal static class CodeCommand
{
    public static Command Create() => new ClientCommand("code", "Print a one-time code to choose a new passphrase for the console.", "gatehouse code")
        .Runs(async (_, client, printer, cancellationToken) =>
        {
            var reply = await client.MakeCodeAsync(cancellationToken);
            if (printer.Json) printer.Write(reply, ControlJson.Default.CodeReply);
            else printer.Line($"{reply.Code}\nOpen /claim on the console and type it there. It works once, until {reply.Until.ToLocalTime():HH:mm}.");
            return ExitCode.Ok;
        });
}
