using System.Globalization;
using Gatehouse.Home;
using Gatehouse.Watch;
using Gatehouse.Wire;
using Gatehouse.Wire.Captures;

namespace Gatehouse.Bench;

/// <summary>What was found in the labelled captures, how fast, and what the benign ones say about false alarms.</summary>
internal static class Detection
{
    /// <summary>Never the reason for a number or a change of a rule; their traffic was looked at once, when the rules were thought out. All others were tuned on.</summary>
    private static readonly string[] HeldOut = ["g07", "g09", "g11", "g08", "nmap", "hydra", "cicddos"];

    private sealed record Event(string File, MacAddress Mac, string What, double Start, double End);

    public static void Report(string data)
    {
        var labels = File.ReadLines(Path.Combine(data, "labels.csv")).Skip(1).Select(line => line.Split(',')).Select(fields => new Event(
            fields[0], MacAddress.Parse(fields[2]), fields[3], double.Parse(fields[4], CultureInfo.InvariantCulture), double.Parse(fields[5], CultureInfo.InvariantCulture))).ToList();

        var results = labels.Where(label => label.What != "benign" && !label.File.Contains("inbound", StringComparison.Ordinal))
            .GroupBy(label => label.File).SelectMany(file => Judge(data, file)).ToList();
        foreach (var group in results.GroupBy(result => HeldOut.Any(part => result.Event.File.Contains(part, StringComparison.Ordinal))).OrderBy(group => group.Key))
            Print(group.Key ? "held out" : "tuned on", [.. group]);

        FalseAlarms(data, labels);
    }

    private static IEnumerable<(Event Event, double? Latency)> Judge(string data, IGrouping<string, Event> file)
    {
        var found = Findings(Path.Combine(data, file.Key), out _);
        foreach (var label in file)
        {
            var first = found.Where(one => one.Mac == label.Mac && Fits(label.What, one.Kind) && one.Time >= label.Start - 0.01 && one.Time <= label.End + 5).Select(one => (double?)one.Time).FirstOrDefault();
            yield return (label, first is { } time ? Math.Max(0, time - label.Start) : null);
        }
    }

    private static void Print(string what, IReadOnlyList<(Event Event, double? Latency)> results)
    {
        var latencies = results.Select(result => result.Latency).OfType<double>().Order().ToList();
        System.Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {what}: {latencies.Count} of {results.Count} events found; latency median {latencies[latencies.Count / 2]:0.00} s, worst {latencies[^1]:0.0} s"));
        foreach (var (missed, _) in results.Where(result => result.Latency is null)) System.Console.WriteLine($"    missed: {missed.File} {missed.What}");
    }

    private static void FalseAlarms(string data, List<Event> labels)
    {
        var alarms = 0;
        var days = 0.0;
        var benign = Directory.EnumerateFiles(Path.Combine(data, "real-benign"))
            .Concat(Directory.EnumerateFiles(Path.Combine(data, "local-only")))
            .Concat(Directory.EnumerateFiles(Path.Combine(data, "composite"), "gb*"))
            .Concat(Directory.EnumerateFiles(Path.Combine(data, "..", "week"), "*.gz", SearchOption.AllDirectories))
            .Where(path => !path.Contains("gnutella", StringComparison.Ordinal) && !path.Contains("bittorrent", StringComparison.Ordinal) && !path.Contains("1kxun", StringComparison.Ordinal));
        foreach (var path in benign)
        {
            alarms += Findings(path, out var seconds).Count;
            var devices = Math.Max(1, labels.Count(label => path.EndsWith(label.File, StringComparison.Ordinal)));
            days += devices * seconds / 86_400;
        }

        // Rule of three: with none in n, the rate is below 3/n with 95 % confidence.
        System.Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  benign: {alarms} findings in {days:0.0} device-days of Things{(alarms == 0 ? $": fewer than one in {days / 3:0} device-days, with 95 % confidence" : "")}"));
    }

    private static bool Fits(string label, FindingKind kind) => label switch
    {
        "scan" or "scan-lan" => kind == FindingKind.Scan,
        "bruteforce" => kind == FindingKind.BruteForce,
        "c2" => kind == FindingKind.CommandAndControl,
        "recruit" => kind is FindingKind.Takeover or FindingKind.BruteForce,
        _ when label.StartsWith("ddos-reflect", StringComparison.Ordinal) => kind is FindingKind.Reflector or FindingKind.Ddos,
        _ => kind == FindingKind.Ddos,
    };

    private static List<(MacAddress Mac, FindingKind Kind, double Time)> Findings(string path, out double seconds)
    {
        var consumer = new Collector(new WatchEngine());
        using (var file = CaptureFile.Open(path)) file.ReadAll(ref consumer);
        seconds = (consumer.Last - consumer.First) / 1e9;
        return consumer.Found;
    }

    private sealed class Collector(WatchEngine engine) : IFrameConsumer
    {
        public List<(MacAddress Mac, FindingKind Kind, double Time)> Found { get; } = [];
        public long First { get; private set; }
        public long Last { get; private set; }

        public void Take(in Frame frame)
        {
            if (First == 0) First = frame.TimestampNanoseconds;
            Last = frame.TimestampNanoseconds;
            engine.Take(frame);
            while (engine.TryTakeVerdict(out var verdict))
            {
                if (verdict.What == VerdictKind.Opened) Found.Add((verdict.Mac, Rule.Of(verdict.Rule).Kind, verdict.Time / 1e9));
            }
        }
    }
}
