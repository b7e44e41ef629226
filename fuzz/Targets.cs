using Gatehouse.Watch;
using Gatehouse.Wire;
using Gatehouse.Wire.Captures;

namespace Gatehouse.Fuzz;

internal delegate void Judge(ReadOnlySpan<byte> input);

/// <summary>One decoder under test.</summary>
/// <param name="Seeds">Good inputs to start from.</param>
internal sealed record Target(string Name, Func<IEnumerable<byte[]>> Seeds, Judge Run);

/// <summary>Every target, written out by hand. A new decoder is one row; what it finds becomes a row of the decoder's tests.</summary>
internal static class Targets
{
    public static IReadOnlyList<Target> All { get; } =
    [
        new("packet", () => Seed.Frames(Seed.Any), input => Packet.Read(FrameOf(input, LinkType.Ethernet))),
        new("cooked", () => Seed.Frames(Seed.Any).Select(frame => (byte[])[0, 0, 0, 1, 0, 6, .. frame]), Cooked),
        new("captures", Seed.Captures, Capture),
        new("watch", () => Seed.Frames(Seed.Any), Watch),
        new("dhcp", () => Seed.Datagrams(67, 68), input => DhcpMessage.TryParse(input, out _)),
        new("dns", () => Seed.Datagrams(53), input => DnsMessage.TryParse(input, out _)),
        new("mdns", () => Seed.Datagrams(5353), input => MdnsMessage.TryParse(input, out _)),
        new("ssdp", () => Seed.Datagrams(1900), input => SsdpMessage.TryParse(input, out _)),
        new("http", () => Seed.Segments(80), input => HttpHead.TryParse(input, out _)),
        new("device-answers", Mend.DeviceAnswers.Seeds, Mend.DeviceAnswers.Run),
        new("tls", () => Seed.Segments(443), input => TlsClientHello.TryParse(input, out _)),
        new("see", () => Seed.Frames(Seed.Any), See.Recognition.Run),
        new("pages", () => Seed.Segments(80), See.Recognition.ReadPage),
        new("pack", See.PackFiles.Seeds, See.PackFiles.Run),
        new("tuf-metadata", TrustInputs.MetadataSeeds, TrustInputs.Metadata),
        new("tuf-keys", TrustInputs.KeySeeds, TrustInputs.Keys),
        new("tuf-map", TrustInputs.MapSeeds, TrustInputs.Map),
    ];

    private static Frame FrameOf(ReadOnlySpan<byte> bytes, LinkType link) =>
        new() { Bytes = bytes, OriginalLength = bytes.Length, TimestampNanoseconds = 1, Link = link };

    private static void Cooked(ReadOnlySpan<byte> input)
    {
        Packet.Read(FrameOf(input, LinkType.LinuxCooked));
        Packet.Read(FrameOf(input, LinkType.LinuxCooked2));
        Packet.Read(FrameOf(input, LinkType.Raw));
    }

    private static void Capture(ReadOnlySpan<byte> input)
    {
        using var file = CaptureFile.Open(new MemoryStream(input.ToArray()));
        var engine = new FrameCounter();
        file.ReadAll(ref engine);
    }

    /// <summary>One engine for the whole run: what one packet left behind meets the next.</summary>
    private static readonly WatchEngine Engine = new();
    private static long _time = 1_700_000_000_000_000_000;

    private static void Watch(ReadOnlySpan<byte> input)
    {
        _time += 1_000_000;
        Engine.Take(new Frame { Bytes = input, OriginalLength = input.Length, TimestampNanoseconds = _time, Link = LinkType.Ethernet });
        while (Engine.TryTakeVerdict(out var verdict)) VerdictText.EvidenceOf(verdict);
    }

    private struct FrameCounter : IFrameConsumer
    {
        private int _sum;

        public void Take(in Frame frame) => _sum ^= Packet.Read(frame).DestinationPort;
    }
}
