using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Wire;

[Collection("kernel"), Trait("Needs", "kernel")]
public sealed class PacketRingTests
{
    [Fact]
    public void Frames_of_an_interface_arrive_with_their_bytes_length_and_direction()
    {
        Lab.RequireNamespaces();
        using var ring = PacketRing.Open("lo", 1 << 20);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

        for (var i = 0; i < 100; i++) socket.SendTo("ring test"u8, new IPEndPoint(IPAddress.Loopback, 9));

        var seen = new Seen();
        for (var tries = 0; tries < 50 && seen.Incoming + seen.Outgoing < 200; tries++) ring.Poll(ref seen, TimeSpan.FromMilliseconds(100));
        ring.UpdateDropped();
        Assert.Equal((100, 100), (seen.Incoming, seen.Outgoing)); // on lo a frame is seen leaving and coming in
        Assert.True(ring.Received >= 200);
        Assert.Equal(0, ring.Dropped);
        Assert.InRange(seen.LastTime, DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeMilliseconds() * 1_000_000, DateTimeOffset.UtcNow.AddMinutes(1).ToUnixTimeMilliseconds() * 1_000_000);
    }

    [Fact]
    public void What_the_ring_has_no_room_for_is_counted()
    {
        Lab.RequireNamespaces();
        using var ring = PacketRing.Open("lo", 1);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        var payload = new byte[60_000];

        for (var i = 0; i < 50; i++) socket.SendTo(payload, new IPEndPoint(IPAddress.Loopback, 9));

        ring.UpdateDropped();
        Assert.True(ring.Dropped > 0);
    }

    [Fact]
    public void Waiting_for_frames_ends_in_time_and_costs_no_allocation()
    {
        Lab.RequireNamespaces();
        using var ring = PacketRing.Open("lo", 1 << 20);
        var seen = new Seen();
        ring.Poll(ref seen, TimeSpan.Zero);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.GetTimestamp();
        ring.Poll(ref seen, TimeSpan.FromMilliseconds(50));

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.InRange(Stopwatch.GetElapsedTime(watch).TotalMilliseconds, 0, 2000);
    }

    [Fact]
    public void A_missing_interface_is_named() =>
        Assert.Contains("nosuch0", Assert.Throws<PacketRingException>(() => PacketRing.Open("nosuch0", 1 << 20)).Message, StringComparison.Ordinal);

    private struct Seen : IFrameConsumer
    {
        public int Incoming;
        public int Outgoing;
        public long LastTime;

        public void Take(in Frame frame)
        {
            var packet = Packet.Read(frame);
            if (packet.DestinationPort != 9 || !packet.Payload.StartsWith("ring test"u8)) return;
            if (packet.Direction == FrameDirection.Incoming) Incoming++;
            else Outgoing++;
            LastTime = packet.Time;
        }
    }
}
