using System.Diagnostics;
using System.Globalization;
using Gatehouse.Watch;
using Gatehouse.Wire;

namespace Gatehouse.Bench;

/// <summary>A flood of 64-byte packets over a veth pair, as fast as one tcpreplay can send, judged as it arrives. Runs inside lab/enter.</summary>
internal static class LiveBench
{
    private const double Seconds = 5;

    public static int Run()
    {
        if (Environment.GetEnvironmentVariable("GATEHOUSE_LAB") != "1")
        {
            System.Console.Error.WriteLine("gatehouse-bench: this makes interfaces; start it with lab/enter before the command.");
            return 1;
        }

        Start("ip", "link add flood0 type veth peer name flood1").WaitForExit();
        Start("ip", "link set flood0 up").WaitForExit();
        Start("ip", "link set flood1 up").WaitForExit();
        var path = Path.GetTempFileName();
        File.WriteAllBytes(path, Flood());

        using var ring = PacketRing.Open("flood1", 8 << 20);
        var engine = new WatchEngine();
        using var self = Process.GetCurrentProcess();
        using var sender = Start("tcpreplay", $"-q --topspeed -K --loop=0 -i flood0 {path}");
        var begin = Stopwatch.GetTimestamp();
        var before = self.UserProcessorTime;
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < Seconds)
        {
            ring.Poll(ref engine, TimeSpan.FromMilliseconds(100));
            while (engine.TryTakeVerdict(out _)) { }
        }

        self.Refresh();
        var user = (self.UserProcessorTime - before).TotalSeconds;
        ring.UpdateDropped();
        sender.Kill();
        File.Delete(path);
        System.Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  live, 64-byte packets: {ring.Received / Seconds / 1e6:0.00} Mpps, {ring.Dropped} dropped, {user / ring.Received * 1e9:0} ns of user CPU per packet (bar 200)"));
        return 0;
    }

    /// <summary>A capture of 10,000 SYNs of one Thing, each from another port to another host.</summary>
    private static byte[] Flood()
    {
        var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        foreach (var field in new uint[] { 0xA1B2C3D4, 0x00040002, 0, 0, 65535, 1 }) writer.Write(field);
        for (var i = 0; i < 10_000; i++)
        {
            foreach (var field in new uint[] { 1, 0, 60, 60 }) writer.Write(field);
            var frame = Convert.FromHexString("02000000000102000000000208004500002e1234400040060000c0a84d14c633640100000050000000010000000050020400000000000000000000000000");
            (frame[34], frame[35]) = ((byte)(i >> 8), (byte)(i & 0xFF));
            (frame[32], frame[33]) = ((byte)(i >> 6 & 0xFF), (byte)(i & 0xFF));
            writer.Write(frame.AsSpan(0, 60));
        }

        return file.ToArray();
    }

    private static Process Start(string program, string arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
}
