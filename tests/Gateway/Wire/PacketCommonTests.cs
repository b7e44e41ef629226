using Gatehouse.Wire;
using Gatehouse.Wire.Captures;
using Xunit;

namespace Gatehouse.Tests.Gateway.Wire;

/// <summary>The fast way to read a packet against the plain one: on real packets, and on millions that are nearly real.</summary>
public sealed class PacketCommonTests
{
    [Fact]
    public void Both_ways_agree_on_every_packet_of_the_real_captures()
    {
        var comparer = new Comparer(changes: 0, seed: 0);
        foreach (var path in Directory.EnumerateFiles(Lab.SharedData("watch"), "*.gz", SearchOption.AllDirectories))
        {
            using var file = CaptureFile.Open(path);
            file.ReadAll(ref comparer);
        }

        Assert.True(comparer.Packets > 500_000);
    }

    [Fact]
    public void Both_ways_agree_on_damaged_packets()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var comparer = new Comparer(changes: 20, seed);
        foreach (var path in Directory.EnumerateFiles(Lab.SharedData("watch/real-benign"), "sentinel-*.gz"))
        {
            using var file = CaptureFile.Open(path);
            file.ReadAll(ref comparer);
        }

        Assert.True(comparer.Packets > 40_000);
    }

    private sealed class Comparer(int changes, int seed) : IFrameConsumer
    {
        private readonly Random _random = new(seed);
        private readonly byte[] _copy = new byte[262_144];

        public int Packets { get; private set; }

        public void Take(in Frame frame)
        {
            Compare(frame);
            for (var i = 0; i < changes; i++)
            {
                var damaged = _copy.AsSpan(0, _random.Next(4) == 0 ? _random.Next(frame.Bytes.Length) : frame.Bytes.Length);
                frame.Bytes[..damaged.Length].CopyTo(damaged);
                if (damaged.Length > 0) damaged[_random.Next(Math.Min(60, damaged.Length))] = (byte)_random.Next(256);
                Compare(new Frame
                {
                    Bytes = damaged, OriginalLength = _random.Next(2) == 0 ? damaged.Length : frame.OriginalLength, Link = frame.Link,
                    TimestampNanoseconds = frame.TimestampNanoseconds, VlanTag = (ushort)_random.Next(65536), Direction = (FrameDirection)_random.Next(3),
                });
            }
        }

        private void Compare(in Frame frame)
        {
            Packets++;
            var fast = Packet.Read(frame);
            var plain = Packet.ReadPlain(frame);
            Assert.True(fast.Payload == plain.Payload, "another payload");
            if (Fields(fast) != Fields(plain)) Assert.Equal(Fields(plain).ToString(), Fields(fast).ToString());
        }

        private static (PacketLayer, bool, FrameDirection, long, int, MacAddress, MacAddress, (EtherType, ushort, InternetAddress, InternetAddress, IpProtocol, byte, bool), (ushort, ushort, TcpFlags, uint, uint, ushort, byte, byte, int)) Fields(in Packet packet) =>
        (
            packet.Layer, packet.IsMalformed, packet.Direction, packet.Time, packet.WireLength, packet.SourceMac, packet.DestinationMac,
            (packet.EtherType, packet.VlanId, packet.Source, packet.Destination, packet.Protocol, packet.TimeToLive, packet.IsFragment),
            (packet.SourcePort, packet.DestinationPort, packet.Flags, packet.Sequence, packet.Acknowledgement, packet.Window, packet.IcmpType, packet.IcmpCode, packet.PayloadLength));
    }
}
