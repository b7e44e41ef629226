using System.Buffers.Binary;
using System.Diagnostics;
using Gatehouse.Tests.Gateway.Wire;
using Gatehouse.Watch;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Watch;

/// <summary>What happens at the bounds: memory and speed under traffic made to exhaust them.</summary>
public sealed class BoundsTests
{
    [Fact]
    public void Watching_allocates_nothing_per_packet()
    {
        var engine = new WatchEngine();
        var flood = new Flood(engine, devices: 20);
        flood.Send(100_000); // everybody is known, every rule has had something against somebody

        var before = GC.GetAllocatedBytesForCurrentThread();
        flood.Send(200_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_scan_and_a_spoofed_flood_of_250_Things_leave_memory_and_speed_flat()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var engine = new WatchEngine();
        var flood = new Flood(engine, devices: 250);
        flood.Send(200_000);
        var memory = GC.GetAllocatedBytesForCurrentThread() - before;
        var first = Time(() => flood.Send(200_000));

        flood.Send(600_000);
        var last = Time(() => flood.Send(200_000));

        // Nothing is given back and nothing added: what was allocated while everybody became known is all there is.
        var grown = GC.GetAllocatedBytesForCurrentThread() - before - memory;
        TestContext.Current.TestOutputHelper!.WriteLine($"{memory >> 20} MiB, grown by {grown} bytes; {first} then {last}");
        Assert.InRange(memory, 0, 32 << 20);
        Assert.InRange(grown, 0, 4096); // the two clocks of this test
        Assert.True(last < first * 5, $"{first} for the first 200,000, {last} for the last");
    }

    [Fact]
    public void Beyond_the_bound_the_device_silent_longest_is_forgotten_never_one_with_a_finding()
    {
        var engine = new WatchEngine();
        var scene = new Flood(engine, devices: 1);
        scene.Send(5000); // this one has a finding

        for (var i = 0; i < WatchEngine.MaxThings * 3; i++)
        {
            var frame = Bytes.Ethernet(Bytes.Arp(), type: 0x0806, source: $"06:00:00:00:{i >> 8:x2}:{i & 0xFF:x2}");
            engine.Take(Bytes.Frame(frame, Flood.Start + 1_000_000_000L + i));
        }

        Assert.Equal(WatchEngine.MaxThings, engine.Things);
        Assert.Equal(WatchEngine.MaxThings * 2 + 1, engine.Forgotten);
        engine.EndAll(Flood.Start + 2_000_000_000L);
        var last = default(Verdict);
        while (engine.TryTakeVerdict(out var verdict)) last = verdict;
        Assert.Equal(VerdictKind.Ended, last.What);
    }

    [Fact]
    public void When_nobody_takes_the_verdicts_they_are_dropped_and_counted()
    {
        var engine = new WatchEngine();
        for (var i = 0; i < 3; i++)
        {
            new Flood(engine, devices: 100).Send(60_000);
            engine.EndAll(Flood.Start);
        }

        Assert.True(engine.VerdictsDropped > 0);
        var taken = 0;
        while (engine.TryTakeVerdict(out _)) taken++;
        Assert.Equal(WatchEngine.MaxVerdicts, taken);
    }

    private static TimeSpan Time(Action action)
    {
        var begin = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(begin);
    }

    /// <summary>Every packet from another source address, to another machine, of another kind: nothing is ever met twice.</summary>
    private sealed class Flood(WatchEngine engine, int devices)
    {
        public const long Start = 1_750_000_000L * 1_000_000_000;

        private static readonly byte[][] Frames =
        [
            Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp([], destinationPort: 23), IpProtocol.Tcp)),
            Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp([], flags: TcpFlags.Ack), IpProtocol.Tcp)),
            Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp(new byte[64]), IpProtocol.Udp)),
            Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp(new byte[64], destinationPort: 9999), IpProtocol.Udp)),
            Bytes.Ethernet(Bytes.Ipv4(new byte[20], IpProtocol.Gre)),
            Bytes.Ethernet(Bytes.Ipv4(Bytes.Icmp([]), IpProtocol.Icmp)),
        ];

        private uint _count;

        public void Send(int packets)
        {
            for (var i = 0; i < packets; i++)
            {
                var frame = Frames[_count % Frames.Length];
                frame[11] = (byte)(_count % devices);
                BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(26), 0x2000_0000 + unchecked(_count * 2654435761) % 0x4000_0000);
                BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(30), 0x2000_0000 + unchecked(_count * 40503 * 65521) % 0x4000_0000);
                if (frame.Length > 60) BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(56), _count);
                engine.Take(Bytes.Frame(frame, Start + _count * 1000L));
                while (devices < 100 && engine.TryTakeVerdict(out _)) { }
                _count++;
            }
        }
    }
}
