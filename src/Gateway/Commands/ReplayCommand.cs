using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Gatehouse.Home;
using Gatehouse.Watch;
using Gatehouse.Wire;
using Gatehouse.Wire.Captures;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse replay FILE…</c>: what Watch would have found in captures.</summary>
public static class ReplayCommand
{
    /// <summary>A file could not be read to its end; what was readable was judged.</summary>
    public const int ExitUnreadable = 3;

    public static Command Create()
    {
        var files = new Argument<string[]>("file") { Description = "Captures (pcap or pcapng, plain or gzip), judged in this order as one.", Arity = ArgumentArity.OneOrMore };
        var json = new Option<bool>("--json") { Description = "One JSON object per line: findings as they come up, a summary at the end." };
        var classes = new Option<string[]>("--class") { Description = "What a device is: MAC=thing, MAC=computer or MAC=router. Without it the device's own packets decide, as in the home; in doubt it is a Thing.", HelpName = "MAC=CLASS" };
        classes.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
            {
                if (!TryParseClass(token.Value, out _, out _)) result.AddError($"'{token.Value}' is not MAC=thing, MAC=computer or MAC=router.");
            }
        });

        var command = new Command("replay", "Shows what Watch would have found in captures.\n\nExample: gatehouse replay evening.pcap.gz --class 3c:22:fb:10:20:30=computer") { files, json, classes };
        command.SetAction(parsed => Run(parsed.GetValue(files) ?? [], parsed.GetValue(json), parsed.GetValue(classes) ?? []));
        return command;
    }

    private static int Run(string[] files, bool isJson, string[] classes)
    {
        var engine = new WatchEngine();
        var known = new ReplayClasses(engine);
        foreach (var text in classes)
        {
            if (TryParseClass(text, out var mac, out var deviceClass)) known.Set(mac, deviceClass);
        }

        using var output = new ReplayOutput(isJson, System.Console.OpenStandardOutput());
        var consumer = new Replayed(engine, known, output);
        var watch = Stopwatch.GetTimestamp();
        var isReadable = true;
        foreach (var file in files) isReadable &= Replay(file, ref consumer);

        consumer.Finish();
        output.WriteSummary(engine, Stopwatch.GetElapsedTime(watch));
        return isReadable ? 0 : ExitUnreadable;
    }

    private static bool Replay(string path, ref Replayed consumer)
    {
        try
        {
            using var capture = CaptureFile.Open(path);
            var summary = capture.ReadAll(ref consumer);
            var fault = summary.Fault ?? (summary is { Packets: 0, Skipped: > 0 } ? "its link type is not one that is read here" : null);
            if (fault is not null) System.Console.Error.WriteLine($"gatehouse: {path}: {fault}");
            return fault is null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            System.Console.Error.WriteLine($"gatehouse: {path}: {error.Message}");
            return false;
        }
    }

    private static bool TryParseClass(string text, out MacAddress mac, out DeviceClass deviceClass)
    {
        deviceClass = DeviceClass.Thing;
        mac = default;
        var parts = text.Split('=', 2);
        return parts.Length == 2 && MacAddress.TryParse(parts[0], out mac) && !int.TryParse(parts[1], out _) && Enum.TryParse(parts[1], ignoreCase: true, out deviceClass);
    }

    /// <summary>Gives frames to the engine, and its verdicts to the output.</summary>
    private struct Replayed(WatchEngine engine, ReplayClasses classes, ReplayOutput output) : IFrameConsumer
    {
        private long _last;

        public void Take(in Frame frame)
        {
            classes.Take(frame);
            engine.Take(frame);
            _last = frame.TimestampNanoseconds;
            while (engine.TryTakeVerdict(out var verdict)) output.Write(verdict);
        }

        public readonly void Finish()
        {
            engine.Tick(_last);
            while (engine.TryTakeVerdict(out var verdict)) output.Write(verdict);
        }
    }

    /// <summary>Lines for a person or for a program.</summary>
    private sealed class ReplayOutput(bool isJson, Stream stream) : IDisposable
    {
        private readonly Utf8JsonWriter _json = new(stream, new JsonWriterOptions { SkipValidation = false });
        private readonly StreamWriter _text = new(stream) { AutoFlush = false };

        public void Write(in Verdict verdict)
        {
            // An update without more certainty is no news for somebody who reads a list.
            if (verdict.What == VerdictKind.Updated && verdict.Certainty != Certainty.Certain) return;
            if (isJson) WriteJson(verdict);
            else WriteText(verdict);
        }

        public void WriteSummary(WatchEngine engine, TimeSpan elapsed)
        {
            var cpu = Process.GetCurrentProcess().TotalProcessorTime;
            if (!isJson)
            {
                _text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{engine.Packets} packets of {engine.Things + engine.Forgotten} devices in {elapsed.TotalSeconds:0.00} s."));
                return;
            }

            _json.WriteStartObject();
            _json.WriteString("type", "summary");
            _json.WriteNumber("packets", engine.Packets);
            _json.WriteNumber("bytes", engine.Bytes);
            _json.WriteNumber("seconds", elapsed.TotalSeconds);
            _json.WriteNumber("cpu_seconds", cpu.TotalSeconds);
            _json.WriteNumber("peak_rss_bytes", PeakResidentBytes());
            _json.WriteNumber("devices", engine.Things + engine.Forgotten);
            EndLine();
        }

        private void WriteJson(in Verdict verdict)
        {
            var rule = Rule.Of(verdict.Rule);
            _json.WriteStartObject();
            _json.WriteString("type", verdict.What switch { VerdictKind.Opened => "finding", VerdictKind.Ended => "end", _ => "update" });
            _json.WriteNumber("time", verdict.Time / 1000 / 1e6m);
            _json.WriteString("mac", verdict.Mac.ToString());
            _json.WriteString("rule", rule.Name);
            _json.WriteString("kind", KindText(rule.Kind));
            _json.WriteString("certainty", verdict.Certainty == Certainty.Certain ? "certain" : "suspected");
            _json.WriteStartObject("evidence");
            _json.WriteString("sentence", VerdictText.SentenceOf(verdict));
            foreach (var item in VerdictText.EvidenceOf(verdict).Where(item => item.Label != "packet")) _json.WriteString(item.Label, item.Value);
            _json.WriteStartArray("packets");
            foreach (var item in VerdictText.EvidenceOf(verdict).Where(item => item.Label == "packet")) _json.WriteStringValue(item.Value);
            _json.WriteEndArray();
            _json.WriteEndObject();
            EndLine();
        }

        private void EndLine()
        {
            _json.WriteEndObject();
            _json.Flush();
            _json.Reset();
            stream.WriteByte((byte)'\n');
        }

        private void WriteText(in Verdict verdict)
        {
            var what = verdict.What switch { VerdictKind.Opened => "", VerdictKind.Ended => "has stopped: ", _ => "is certain now: " };
            _text.WriteLine($"{VerdictText.TimeOf(verdict.Time):yyyy-MM-dd HH:mm:ss.fff}Z {verdict.Mac} {Rule.Of(verdict.Rule).Name} ({verdict.Certainty}) {what}{VerdictText.SentenceOf(verdict)}");
            if (verdict.What != VerdictKind.Opened) return;
            foreach (var item in VerdictText.EvidenceOf(verdict)) _text.WriteLine($"    {item.Label}: {item.Value}");
        }

        public void Dispose()
        {
            _text.Flush();
            _json.Dispose();
        }
    }

    private static string KindText(FindingKind kind) => kind switch
    {
        FindingKind.BruteForce => "bruteforce",
        FindingKind.CommandAndControl => "c2",
        FindingKind.Ddos => "ddos",
        FindingKind.Reflector => "reflector",
        FindingKind.Takeover => "takeover",
        FindingKind.Anomaly => "anomaly",
        _ => "scan",
    };

    // VmHWM of /proc/self/status, in kB.
    private static long PeakResidentBytes() =>
        File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)) is { } line
        && long.TryParse(line["VmHWM:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture, out var kilobytes) ? kilobytes * 1024 : 0;
}
