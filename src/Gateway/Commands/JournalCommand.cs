using System.CommandLine;
using System.Globalization;
using Gatehouse.Console.Control;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse journal</c>: what happened, newest last.</summary>
internal static class JournalCommand
{
    public static Command Create()
    {
        var thing = new Argument<string?>("THING") { Description = "Only what is about this device.", Arity = ArgumentArity.ZeroOrOne };
        var count = new Option<int>("--count") { Description = "How many lines, at most 1000.", HelpName = "N", DefaultValueFactory = _ => ControlApi.DefaultJournalLines };
        count.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 1000) result.AddError("--count is a number from 1 to 1000.");
        });
        var command = new ClientCommand("journal", "Show what happened, newest last.", "gatehouse journal", "gatehouse journal recorder --count 200 --json")
            .Runs(async (parsed, client, printer, cancellationToken) =>
            {
                var about = parsed.GetValue(thing) is { } named ? "&thing=" + Uri.EscapeDataString(named) : "";
                var path = $"v1/journal?count={parsed.GetValue(count).ToString(CultureInfo.InvariantCulture)}{about}";
                var entries = await client.GetAsync(path, ControlJson.Default.ImmutableArrayJournalEntry, cancellationToken);
                if (printer.Json) printer.Write(entries, ControlJson.Default.ImmutableArrayJournalEntry);
                else foreach (var entry in entries.Reverse()) printer.Line($"{entry.At.ToLocalTime():yyyy-MM-dd HH:mm:ss}  {entry.Sentence}");
                return ExitCode.Ok;
            });
        command.Arguments.Add(thing);
        command.Options.Add(count);
        return command;
    }
}
