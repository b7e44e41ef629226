using System.Globalization;
using Gatehouse.Home;
using Gatehouse.Watch;
using Gatehouse.Wire;
using Gatehouse.Wire.Captures;

namespace Gatehouse.Tests.Gateway.Watch;

/// <summary>One row of <c>labels.csv</c>: what one device did in one capture, and when.</summary>
internal sealed record Label(string File, MacAddress Mac, string What, double Start, double End)
{
    public bool IsBenign => What == "benign";

    /// <summary>Kinds of finding that say the same as the label.</summary>
    public bool Fits(FindingKind kind) => What switch
    {
        "scan" or "scan-lan" => kind == FindingKind.Scan,
        "bruteforce" => kind == FindingKind.BruteForce,
        "c2" => kind == FindingKind.CommandAndControl,
        "recruit" => kind is FindingKind.Takeover or FindingKind.BruteForce,
        _ when What.StartsWith("ddos-reflect", StringComparison.Ordinal) => kind is FindingKind.Reflector or FindingKind.Ddos,
        _ when What.StartsWith("ddos", StringComparison.Ordinal) => kind == FindingKind.Ddos,
        _ => false,
    };
}

/// <summary>A finding as a capture gave it; <paramref name="Time"/> in epoch seconds.</summary>
internal sealed record Found(MacAddress Mac, Rule Rule, Certainty Certainty, double Time);

/// <summary>The labelled captures of <c>shared/data</c>, judged by the engine.</summary>
internal static class LabelledCaptures
{
    private static readonly Lazy<IReadOnlyList<Label>> All = new(Read);

    public static IEnumerable<Label> Of(string file) => All.Value.Where(label => label.File == file);

    public static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(Lab.SharedData("watch/" + folder), "*.gz").Order().Select(path => folder + "/" + Path.GetFileName(path));

    /// <summary>Everything found in a capture: the findings that opened, each with the highest certainty it reached.</summary>
    public static IReadOnlyList<Found> Judge(string path, params IEnumerable<(string Mac, DeviceClass Class)> classes)
    {
        var engine = new WatchEngine();
        foreach (var (mac, deviceClass) in classes) engine.SetClass(MacAddress.Parse(mac), deviceClass);
        var consumer = new Drained(engine, []);
        using (var capture = CaptureFile.Open(path)) capture.ReadAll(ref consumer);
        return consumer.Found;
    }

    private static IReadOnlyList<Label> Read() =>
    [
        .. from line in File.ReadLines(Lab.SharedData("watch/labels.csv")).Skip(1)
           let fields = line.Split(',')
           select new Label(
               fields[0], MacAddress.Parse(fields[2]), fields[3],
               double.Parse(fields[4], CultureInfo.InvariantCulture), double.Parse(fields[5], CultureInfo.InvariantCulture)),
    ];

    private readonly struct Drained(WatchEngine engine, List<Found> found) : IFrameConsumer
    {
        public List<Found> Found => found;

        public void Take(in Frame frame)
        {
            engine.Take(frame);
            while (engine.TryTakeVerdict(out var verdict)) Add(verdict);
        }

        private void Add(Verdict verdict)
        {
            if (verdict.What == VerdictKind.Opened) found.Add(new(verdict.Mac, Rule.Of(verdict.Rule), verdict.Certainty, verdict.Time / 1e9));
            else if (verdict.Certainty == Certainty.Certain && found.FindLastIndex(one => one.Mac == verdict.Mac && one.Rule.Id == verdict.Rule) is var at and >= 0)
                found[at] = found[at] with { Certainty = Certainty.Certain };
        }
    }
}
