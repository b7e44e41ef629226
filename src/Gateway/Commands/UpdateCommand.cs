using System.CommandLine;
using Gatehouse.Home;
using Gatehouse.Console.Control;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse update THING</c>: begins the update on offer.</summary>
internal static class UpdateCommand
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);

    public static Command Create()
    {
        var thing = Arguments.Thing();
        var wait = new Option<bool>("--wait") { Description = "Wait until it has ended; exit code 1 if it did not end well." };
        var command = new ClientCommand("update", "Install the firmware that is on offer for a device.", "gatehouse update plug", "gatehouse update recorder --wait")
            .Runs(async (parsed, client, printer, cancellationToken) =>
            {
                var named = parsed.GetRequiredValue(thing);
                var reply = await client.ActAsync("update", new ActionRequest { Thing = named }, cancellationToken);
                if (!parsed.GetValue(wait)) return printer.Say(reply);

                if (!printer.Json) printer.Line(reply.Sentence);
                return await WaitAsync(named, client, printer, cancellationToken);
            });
        command.Arguments.Add(thing);
        command.Options.Add(wait);
        return command;
    }

    private static async Task<int> WaitAsync(string named, ControlClient client, Printer printer, CancellationToken cancellationToken)
    {
        // The name may change with the firmware; the MAC address does not.
        var details = await ShowAsync(client, named, cancellationToken);
        UpdateState? shown = null;
        while (details.Updates[0] is { HasEnded: false } running)
        {
            if (!printer.Json && shown != running.State) printer.Line($"  {running.State.InWords()}");
            shown = running.State;
            await Task.Delay(PollInterval, cancellationToken);
            details = await ShowAsync(client, details.Thing.Mac.ToString(), cancellationToken);
        }

        var ended = details.Updates[0];
        var sentence = $"{details.Name}: {ended.State.InWords()}. {ended.Reason}".TrimEnd();
        var reply = new ActionReply(ended.State == UpdateState.Done ? "done" : "failed", sentence, []);
        return ended.State == UpdateState.Done ? printer.Say(reply) : printer.Fail(reply, ExitCode.Failed);
    }

    private static Task<ThingDetails> ShowAsync(ControlClient client, string thing, CancellationToken cancellationToken) =>
        client.GetAsync("v1/things/" + Uri.EscapeDataString(thing), ControlJson.Default.ThingDetails, cancellationToken);
}
