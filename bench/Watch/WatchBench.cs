using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using Gatehouse.Watch;
using Gatehouse.Wire;
using Gatehouse.Wire.Captures;

namespace Gatehouse.Bench;

/// <summary>From captures to findings: speed against a loop that only touches headers and against other programs, and what was found how fast.</summary>
internal static class WatchBench
{
    private const double BarMegapackets = 5;
    private const int Passes = 8;

    public static int Run()
    {
        var data = FindData();
        if (data is null)
        {
            System.Console.Error.WriteLine("gatehouse-bench: shared/data/watch is in no folder above; put the shared folder beside the checkout.");
            return 1;
        }

        using var plain = new PlainCaptures(Directory.GetFiles(Path.Combine(data, "composite"), "*.gz"));
        Speed(plain);
        Detection.Report(data);
        return 0;
    }

    private static void Speed(PlainCaptures plain)
    {
        // Twice each, the second counts: the first warms the page cache and the compiler.
        var touch = new HeaderTouch();
        var (packets, touching) = (plain.Read(ref touch, Passes), Measure(() => plain.Read(ref touch, Passes)));
        var engine = new WatchEngine();
        plain.Read(ref engine, Passes);
        var watching = Measure(() => plain.Read(ref engine, Passes));

        Row("header-touching loop, plain pcap", Rate(packets, touching), "");
        Row("Watch in this process, plain pcap", Rate(packets, watching), $"bar {BarMegapackets}; {touching / watching:0.00} of the loop (bar 0.20)");
        if (Native() is { } gatehouse)
        {
            var native = Cpu(gatehouse, ["replay", "--json", .. Enumerable.Repeat(plain.Paths, Passes).SelectMany(paths => paths)]);
            Row("gatehouse replay (native), plain pcap", Rate(packets, native), $"bar {BarMegapackets}; {touching / native:0.00} of the loop (bar 0.20)");
            Peers(plain, packets, native);
        }
        else
        {
            System.Console.WriteLine("  out/bin/gatehouse is not there (./run --build makes it): no comparison with other programs");
        }

        var unpacking = Measure(() => plain.Unpack());
        var zcat = Cpu("zcat", plain.Packed, discard: true);
        Row("gzip: unpacking alone in this process", Rate(packets / Passes, unpacking), $"{zcat / unpacking:0.00} times zcat");
    }

    private static void Peers(PlainCaptures plain, long packets, double native)
    {
        var perPass = packets / Passes;
        Peer("ndpiReader", "libndpi-bin", 8, plain.Paths.Sum(path => Cpu("ndpiReader", ["-q", "-i", path], discard: true)));
        var folder = Directory.CreateTempSubdirectory("gatehouse-bench-").FullName;
        Peer("nfpcapd", "nfdump", 2, plain.Paths.Sum(path => Cpu("nfpcapd", ["-r", path, "-l", folder], discard: true)));
        Directory.Delete(folder, recursive: true);

        void Peer(string name, string package, double bar, double cpu)
        {
            if (cpu <= 0) System.Console.WriteLine($"  {name} is not there (Debian package {package})");
            else Row($"{name}, plain pcap", Rate(perPass, cpu), string.Create(CultureInfo.InvariantCulture, $"Watch is {cpu * Passes / native:0.0} times as fast (bar {bar})"));
        }
    }

    private static double Rate(long packets, double seconds) => packets / seconds / 1e6;

    private static void Row(string what, double megapackets, string note) =>
        System.Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what,-42} {megapackets,7:0.00} Mpps per CPU second   {note}"));

    private static double Measure(Action action)
    {
        using var self = Process.GetCurrentProcess();
        var before = self.TotalProcessorTime;
        action();
        self.Refresh();
        return (self.TotalProcessorTime - before).TotalSeconds;
    }

    /// <summary>User and system time of a program, as bash tells it; 0 when it is not there.</summary>
    private static double Cpu(string program, IEnumerable<string> arguments, bool discard = false)
    {
        var start = new ProcessStartInfo("bash", ["-c", "TIMEFORMAT='%U %S'; exec 3>&2; command -v \"$0\" >/dev/null || exit 9; { time \"$0\" \"$@\" >/dev/null 2>&1; } 2>&3", program, .. arguments])
        {
            RedirectStandardError = true, RedirectStandardOutput = discard,
        };
        using var process = Process.Start(start)!;
        var text = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 9 ? 0 : text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Sum(part => double.TryParse(part, CultureInfo.InvariantCulture, out var number) ? number : 0);
    }

    private static string? FindData() => Up(folder => Path.Combine(folder, "shared", "data", "watch"), Directory.Exists);

    private static string? Native() => Up(folder => Path.Combine(folder, "out", "bin", "gatehouse"), File.Exists);

    private static string? Up(Func<string, string> candidate, Predicate<string> isThere)
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (isThere(candidate(folder))) return candidate(folder);
        }

        return null;
    }

    /// <summary>The fixed loop to compare with: touches the bytes that every packet has to be judged by, decides nothing.</summary>
    private struct HeaderTouch : IFrameConsumer
    {
        private long _sum;

        public void Take(in Frame frame)
        {
            var bytes = frame.Bytes;
            if (bytes.Length < 42) return;
            _sum += bytes[11] + bytes[12] + bytes[13] + bytes[23] + bytes[29] + bytes[33] + bytes[35] + bytes[37];
        }
    }

    /// <summary>Captures unpacked into a folder that goes with this object.</summary>
    private sealed class PlainCaptures : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-bench-").FullName;

        public PlainCaptures(string[] packed)
        {
            Packed = packed;
            foreach (var path in packed)
            {
                using var from = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
                using var to = File.Create(Path.Combine(_folder, Path.GetFileNameWithoutExtension(path)));
                from.CopyTo(to);
            }

            Paths = Directory.GetFiles(_folder);
        }

        public string[] Packed { get; }
        public string[] Paths { get; }

        public long Read<T>(ref T consumer, int passes)
            where T : IFrameConsumer
        {
            long packets = 0;
            for (var pass = 0; pass < passes; pass++)
            {
                foreach (var path in Paths)
                {
                    using var file = CaptureFile.Open(path);
                    packets += file.ReadAll(ref consumer).Packets;
                }
            }

            return packets;
        }

        public void Unpack()
        {
            var touch = new HeaderTouch();
            foreach (var path in Packed)
            {
                using var file = CaptureFile.Open(path);
                file.ReadAll(ref touch);
            }
        }

        public void Dispose() => Directory.Delete(_folder, recursive: true);
    }
}
