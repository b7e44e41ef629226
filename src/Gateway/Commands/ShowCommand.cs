using System.CommandLine;
using Gatehouse.Home;
using Gatehouse.Console.Control;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse show THING</c>: who it is and why, what it may reach, what it asked, what is wrong with it.</summary>
internal static class ShowCommand
{
    public static Command Create()
    {
        var thing = Arguments.Thing();
        var command = new ClientCommand("show", "Show everything known of one device, with the evidence.",
            "gatehouse show recorder", "gatehouse show 02:00:00:00:00:01 --json").Runs(async (parsed, client, printer, cancellationToken) =>
        {
            var path = "v1/things/" + Uri.EscapeDataString(parsed.GetRequiredValue(thing));
            var details = await client.GetAsync(path, ControlJson.Default.ThingDetails, cancellationToken);
            if (printer.Json) printer.Write(details, ControlJson.Default.ThingDetails);
            else Print(printer, details);
            return ExitCode.Ok;
        });
        command.Arguments.Add(thing);
        return command;
    }

    private static void Print(Printer printer, ThingDetails details)
    {
        var thing = details.Thing;
        printer.Line($"{details.Name}: {details.State}");
        if (thing.RestraintReason.Length > 0 && thing.Restraint != Restraint.None) printer.Line(thing.RestraintReason);
        printer.Line();
        printer.Table(["WHO", "", "EVIDENCE"], Who(thing));
        Section(printer, "It may reach", details.Permissions.Select(permission =>
            $"{permission.Name ?? permission.Prefix}  {string.Join(", ", permission.Ports)}  (since {permission.Since:yyyy-MM-dd HH:mm}, by {permission.Origin})"));
        Section(printer, "The Internet may knock at it", details.PortForwards.Where(forward => forward.IsOpen).Select(forward =>
            $"port {forward.WanPort} leads to its {new TransportPort(forward.Protocol, forward.ThingPort)}"));
        Section(printer, "It asked", details.Questions.Select(question =>
            $"{question.Id}: {question.Subject}  {question.Answer switch { Answer.Yes => "OK", Answer.No => "not now", _ => "waits for your answer: gatehouse allow " + question.Id }}"));
        Section(printer, "What it did", details.Findings.Select(finding => $"{finding.Started:yyyy-MM-dd HH:mm:ss}  {finding.Sentence}{(finding.Ended is null ? "" : "  (has stopped)")}"));
        Section(printer, "Firmware", details.Offers.Select(offer =>
            $"{offer.Version}{(offer.IsSecurity ? "  security" : "")}  {string.Join(", ", offer.Fixes)}  {offer.RefusedBecause ?? "ready: gatehouse update " + thing.Mac}"));
        Section(printer, "Updates", details.Updates.Select(update => $"{update.Started:yyyy-MM-dd HH:mm}  {update.FromVersion} to {update.ToVersion}: {update.State}. {update.Reason}"));
        printer.Line();
        printer.Line($"Packets passed {details.PacketsPassed}, stopped by the fence {details.PacketsBlocked}.");
    }

    private static IEnumerable<string[]> Who(Thing thing)
    {
        yield return ["class", thing.Class.ToString().ToLowerInvariant() + (thing.IsClassChosenByOwner ? " (you said so)" : ""), Texts(thing.Identity.ClassEvidence)];
        var claims = new (string Label, Claim? Claim)[]
            { ("vendor", thing.Identity.Vendor), ("model", thing.Identity.Model), ("kind", thing.Identity.Kind), ("firmware", thing.Identity.Firmware) };
        foreach (var (label, claim) in claims)
        {
            if (claim is not null) yield return [label, $"{claim.Value} ({claim.Confidence:P0})", Texts(claim.Evidence)];
        }

        yield return ["mac", thing.Mac.ToString(), ""];
        yield return ["address", thing.Address?.ToString() ?? "-", thing.HostName is { } host ? $"calls itself '{host}'" : ""];
    }

    private static string Texts(System.Collections.Immutable.ImmutableArray<Evidence> evidence) =>
        string.Join("; ", evidence.Take(4).Select(item => $"{item.Source}: {item.Text}"));

    private static void Section(Printer printer, string title, IEnumerable<string> lines)
    {
        var kept = lines.ToList();
        if (kept.Count == 0) return;

        printer.Line();
        printer.Line(title + ":");
        foreach (var line in kept) printer.Line("  " + line.TrimEnd());
    }
}
