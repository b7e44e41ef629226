using System.CommandLine;
using Gatehouse.Home;
using Gatehouse.Console.Control;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse things</c>: every device of the home.</summary>
internal static class ThingsCommand
{
    public static Command Create() => new ClientCommand("things", "List the devices of the home.", "gatehouse things", "gatehouse things --json")
        .Runs(async (_, client, printer, cancellationToken) =>
        {
            var things = await client.GetAsync("v1/things", ControlJson.Default.ImmutableArrayThingSummary, cancellationToken);
            if (printer.Json) printer.Write(things, ControlJson.Default.ImmutableArrayThingSummary);
            else if (things.IsEmpty) printer.Line("No device has been seen yet.");
            else printer.Table(["NAME", "ADDRESS", "MAC", "WHAT", "FIRMWARE", "STATE"], things.Select(Row));
            return ExitCode.Ok;
        });

    private static string[] Row(ThingSummary thing) =>
    [
        thing.Name, thing.Address ?? "-", thing.Mac.ToString(), thing.Kind ?? (thing.Class == DeviceClass.Thing ? "unknown" : thing.Class.ToString().ToLowerInvariant()),
        thing.Firmware ?? "-", thing.State,
    ];
}
