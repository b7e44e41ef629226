using System.IO.Compression;
using Gatehouse.Wire;
using Gatehouse.Wire.Captures;
using Xunit;

namespace Gatehouse.Tests.Gateway.Wire.Captures;

public sealed class CaptureFileTests
{
    private static readonly (long Time, byte[] Bytes, int Original)[] Packets =
    [
        (1_500_000_000_123_456_000, Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp([1, 2, 3]), IpProtocol.Udp)), 45),
        (1_500_000_000_123_457_000, Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp([]), IpProtocol.Tcp)), 1500),
        (4_294_967_295_000_000_000, [1, 2, 3], 3), // the last second of the format, and a packet of odd length
    ];

    public static TheoryData<string, byte[]> Variants => new()
    {
        { "pcap, little-endian, microseconds", Bytes.Pcap(Packets) },
        { "pcap, big-endian, microseconds", Bytes.Pcap(Packets, little: false) },
        { "pcap, little-endian, nanoseconds", Bytes.Pcap(Packets, nanoseconds: true) },
        { "pcap, big-endian, nanoseconds", Bytes.Pcap(Packets, little: false, nanoseconds: true) },
        { "pcapng, little-endian", Bytes.Pcapng(Packets) },
        { "pcapng, big-endian", Bytes.Pcapng(Packets, little: false) },
        { "pcapng, nanoseconds", Bytes.Pcapng(Packets, power: 9) },
        { "pcapng, directions", Bytes.Pcapng(Packets, flags: 2) },
        { "pcapng of two sections with different byte orders", [.. Bytes.Pcapng(Packets[..1]), .. Bytes.Pcapng(Packets[1..], little: false)] },
        { "pcap in gzip", Gzip(Bytes.Pcap(Packets)) },
        { "pcapng in gzip", Gzip(Bytes.Pcapng(Packets)) },
        { "pcap in gzip of two members", [.. Gzip(Bytes.Pcap(Packets)[..50]), .. Gzip(Bytes.Pcap(Packets)[50..])] },
    };

    [Theory, MemberData(nameof(Variants))]
    public void Every_variant_gives_the_same_packets(string variant, byte[] file)
    {
        var frames = Read(file, out var summary);

        Assert.True(summary.Fault is null, $"{variant}: {summary.Fault}");
        Assert.Equal(Packets.Select(packet => (packet.Time, Convert.ToHexString(packet.Bytes), packet.Original)), frames.Select(frame => (frame.Time, Convert.ToHexString(frame.Bytes), frame.Original)));
        Assert.Equal((3, 1548), (summary.Packets, summary.Bytes));
    }

    [Fact]
    public void Directions_of_pcapng_are_kept()
    {
        Assert.All(Read(Bytes.Pcapng(Packets, flags: 1), out _), frame => Assert.Equal(FrameDirection.Incoming, frame.Direction));
        Assert.All(Read(Bytes.Pcapng(Packets, flags: 2), out _), frame => Assert.Equal(FrameDirection.Outgoing, frame.Direction));
    }

    public static TheoryData<string, byte[], int> Damaged => new()
    {
        { "empty", [], 0 },
        { "neither kind", "GIF89a, not a capture"u8.ToArray(), 0 },
        { "pcap cut in its header", Bytes.Pcap(Packets)[..20], 0 },
        { "pcap cut in a record's header", Bytes.Pcap(Packets)[..(24 + 16 + 45 + 9)], 1 },
        { "pcap cut in a packet", Bytes.Pcap(Packets)[..^1], 2 },
        { "pcap packet of 4 GB", [.. Bytes.Pcap(Packets[..1]), .. Bytes.Word(1, true), .. Bytes.Word(0, true), .. Bytes.Word(uint.MaxValue, true), .. Bytes.Word(4, true), 1, 2, 3, 4], 1 },
        { "pcapng cut in a block", Bytes.Pcapng(Packets)[..^3], 2 },
        { "pcapng block of 8 bytes", [.. Bytes.Pcapng(Packets), .. Bytes.Word(6, true), .. Bytes.Word(8, true), .. Bytes.Word(8, true)], 3 },
        { "pcapng block of odd length", [.. Bytes.Pcapng(Packets), .. Bytes.Word(6, true), .. Bytes.Word(13, true), .. Bytes.Word(13, true)], 3 },
        { "pcapng packet before any interface", [.. Bytes.Pcapng([])[..28], .. Bytes.Block(6, new byte[20], true)], 0 },
        { "pcapng packet longer than its block", [.. Bytes.Pcapng([]), .. Bytes.Block(6, [.. new byte[12], .. Bytes.Word(9, true), .. Bytes.Word(9, true), 1, 2, 3, 4], true)], 0 },
        { "pcapng interface with a clock of 10^-19 s", [.. Bytes.Pcapng([])[..28], .. Bytes.Block(1, [1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 19, 0, 0, 0], true)], 0 },
        { "pcapng section of unknown byte order", [.. Bytes.Word(0x0A0D0D0A, true), .. Bytes.Word(28, true), 9, 9, 9, 9, .. new byte[16]], 0 },
        { "gzip cut short", Gzip(Bytes.Pcap(Enumerable.Repeat(Packets[0], 50)))[..^20], -1 },
        { "gzip of noise", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, .. Enumerable.Range(0, 99).Select(i => (byte)(i * 37 & 0xFF))], -1 },
    };

    [Theory, MemberData(nameof(Damaged))]
    public void What_was_readable_before_the_damage_is_given_and_the_damage_named(string why, byte[] file, int readable)
    {
        var frames = Read(file, out var summary);

        Assert.True(summary.Fault is { Length: > 10 }, why);
        if (readable >= 0) Assert.Equal(readable, frames.Count);
    }

    [Fact]
    public void A_link_type_that_is_not_read_is_counted_and_passed_over()
    {
        var frames = Read(Bytes.Pcap(Packets, link: 105), out var summary);

        Assert.Empty(frames);
        Assert.Equal((0, 3, null), (summary.Packets, summary.Skipped, summary.Fault));
    }

    [Theory, InlineData("pcap"), InlineData("pcapng")]
    public void Every_prefix_of_a_capture_is_read_without_an_exception(string kind)
    {
        var whole = kind == "pcap" ? Bytes.Pcap(Packets) : Bytes.Pcapng(Packets);
        for (var length = 0; length < whole.Length; length++) Assert.True(Read(whole[..length], out _).Count <= 3);
    }

    /// <summary>Every real capture: read, written again by this test's own writer in the other format, read again: nothing differs.</summary>
    [Theory, InlineData("real-benign"), InlineData("real-malicious")]
    public void Real_captures_survive_a_round_trip_through_the_other_format(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(Lab.SharedData("watch/" + folder)).Where(path => new FileInfo(path).Length < 400_000))
        {
            using var file = CaptureFile.Open(path);
            var first = new Collector();
            Assert.Null(file.ReadAll(ref first).Fault);
            var link = (int)first.Frames[0].Link;
            var packets = first.Frames.Select(frame => (frame.Time, frame.Bytes, frame.Original));
            var again = Read(path.Contains("pcapng", StringComparison.Ordinal) ? Bytes.Pcap(packets, nanoseconds: true, link: link) : Bytes.Pcapng(packets, power: 9, link: link), out var summary);

            Assert.Null(summary.Fault);
            Assert.Equal(first.Frames.Count, again.Count);
            Assert.All(first.Frames.Zip(again), pair => Assert.True(
                pair.First.Time == pair.Second.Time && pair.First.Original == pair.Second.Original && pair.First.Bytes.AsSpan().SequenceEqual(pair.Second.Bytes), path));
        }
    }

    [Fact]
    public void Hardly_any_packet_of_the_real_captures_is_malformed()
    {
        var counter = new LayerCounter();
        foreach (var path in Directory.EnumerateFiles(Lab.SharedData("watch"), "*.gz", SearchOption.AllDirectories))
        {
            using var file = CaptureFile.Open(path);
            Assert.Null(file.ReadAll(ref counter).Fault);
        }

        Assert.True(counter.Malformed < counter.Packets / 1000, $"{counter.Malformed} of {counter.Packets} packets are malformed");
        Assert.True(counter.Transport > counter.Packets * 0.9, $"{counter.Transport} of {counter.Packets} packets have a transport header");
    }

    [Fact]
    public void Reading_a_capture_allocates_nothing_per_packet()
    {
        Assert.InRange(AllocatedFor(2000) - AllocatedFor(1000), 0, 64);

        static long AllocatedFor(int packets)
        {
            using var file = CaptureFile.Open(new MemoryStream(Bytes.Pcap(Enumerable.Repeat(Packets[0], packets))));
            var counter = new LayerCounter();
            var before = GC.GetAllocatedBytesForCurrentThread();
            file.ReadAll(ref counter);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private static List<Collected> Read(byte[] bytes, out CaptureSummary summary)
    {
        using var file = CaptureFile.Open(new MemoryStream(bytes));
        var collector = new Collector();
        summary = file.ReadAll(ref collector);
        return collector.Frames;
    }

    private static byte[] Gzip(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return packed.ToArray();
    }

    private sealed record Collected(long Time, byte[] Bytes, int Original, LinkType Link, FrameDirection Direction);

    private sealed class Collector : IFrameConsumer
    {
        public List<Collected> Frames { get; } = [];

        public void Take(in Frame frame) => Frames.Add(new(frame.TimestampNanoseconds, frame.Bytes.ToArray(), frame.OriginalLength, frame.Link, frame.Direction));
    }

    private struct LayerCounter : IFrameConsumer
    {
        public int Packets;
        public int Malformed;
        public int Transport;

        public void Take(in Frame frame)
        {
            var packet = Packet.Read(frame);
            Packets++;
            if (packet.IsMalformed) Malformed++;
            if (packet.Layer == PacketLayer.Transport) Transport++;
        }
    }
}
