using Gatehouse.Wire;
using Gatehouse.Wire.Captures;

namespace Gatehouse.Fuzz;

/// <summary>Good inputs: frames of the real captures in <c>shared/data</c> where they are there, and a few written down here where not.</summary>
internal static class Seed
{
    private const int MaxFrames = 400;

    private static readonly byte[] Fallback = Convert.FromHexString(
        "02000000000102000000000208004500002c1234400040060000c0000202c63364019c40001700000001000000006002040000000000020405b4");

    public delegate bool Choice(in Packet packet);

    public static bool Any(in Packet packet) => true;

    public static IEnumerable<byte[]> Frames(Choice choice)
    {
        var frames = Collect(choice, static (in frame, in _) => frame.Bytes.ToArray());
        return frames.Count > 0 ? frames : [Fallback];
    }

    public static IEnumerable<byte[]> Datagrams(params ushort[] ports) => Collect(
        (in packet) => packet.Protocol == IpProtocol.Udp && (ports.Contains(packet.SourcePort) || ports.Contains(packet.DestinationPort)),
        static (in _, in packet) => packet.Payload.ToArray());

    public static IEnumerable<byte[]> Segments(ushort port) => Collect(
        (in packet) => packet.Protocol == IpProtocol.Tcp && (packet.SourcePort == port || packet.DestinationPort == port) && packet.Payload.Length > 0,
        static (in _, in packet) => packet.Payload.ToArray());

    public static IEnumerable<byte[]> Captures() => Files().Where(path => new FileInfo(path).Length < 20_000).Select(File.ReadAllBytes).Append(
        Convert.FromHexString("d4c3b2a1020004000000000000000000ffff00000100000001000000020000000300000003000000010203"));

    private delegate byte[] Pick(in Frame frame, in Packet packet);

    private static List<byte[]> Collect(Choice choice, Pick pick)
    {
        var collector = new Collector(choice, pick);
        foreach (var path in Files())
        {
            using var file = CaptureFile.Open(path);
            file.ReadAll(ref collector);
        }

        return collector.Found;
    }

    private static IEnumerable<string> Files()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Path.Combine(folder, "shared", "data", "watch") is var data && Directory.Exists(data))
                return Directory.EnumerateFiles(data, "*.gz", SearchOption.AllDirectories).Where(path => new FileInfo(path).Length < 200_000).Order();
        }

        return [];
    }

    private sealed class Collector(Choice choice, Pick pick) : IFrameConsumer
    {
        private int _passed;

        public List<byte[]> Found { get; } = [];

        public void Take(in Frame frame)
        {
            // Every seventh: the first ones of a capture are all alike.
            if (Found.Count >= MaxFrames || frame.Link != LinkType.Ethernet) return;
            var packet = Packet.Read(frame);
            if (choice(packet) && _passed++ % 7 == 0) Found.Add(pick(frame, packet));
        }
    }
}
