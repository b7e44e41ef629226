using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Wire;

public sealed class HeaderTests
{
    [Fact]
    public void Every_field_of_a_TCP_packet_in_a_VLAN_is_read()
    {
        var bytes = Bytes.Ethernet(Bytes.Vlan(Bytes.Ipv4(
            Bytes.Tcp("hello"u8.ToArray(), sourcePort: 1000, destinationPort: 23, TcpFlags.Psh | TcpFlags.Ack, sequence: 0xC6336401, acknowledgement: 7, options: [1, 1, 1, 0]),
            IpProtocol.Tcp, options: [1, 1, 1, 0])), type: 0x8100);

        var packet = Packet.Read(Bytes.Frame(bytes, time: 5));

        Assert.Equal(PacketLayer.Transport, packet.Layer);
        Assert.Equal(("02:00:00:00:00:02", "02:00:00:00:00:01", 5), (packet.SourceMac.ToString(), packet.DestinationMac.ToString(), packet.VlanId));
        Assert.Equal(("192.0.2.2", "198.51.100.1", IpProtocol.Tcp, 64), (packet.Source.ToString(), packet.Destination.ToString(), packet.Protocol, packet.TimeToLive));
        Assert.Equal((1000, 23, TcpFlags.Psh | TcpFlags.Ack), (packet.SourcePort, packet.DestinationPort, packet.Flags));
        Assert.Equal((packet.Destination.Ipv4, 7u, 5L), (packet.Sequence, packet.Acknowledgement, packet.Time));
        Assert.Equal(("hello", 5), (System.Text.Encoding.ASCII.GetString(packet.Payload), packet.PayloadLength));
    }

    [Fact]
    public void IPv6_extension_headers_are_walked_to_the_transport()
    {
        byte[] hopByHop = [(byte)IpProtocol.Fragment, 0, 1, 4, 0, 0, 0, 0];
        byte[] firstFragment = [(byte)IpProtocol.Udp, 0, .. Bytes.U16(1), .. Bytes.U32(99)];
        var bytes = Bytes.Ethernet(Bytes.Ipv6([.. hopByHop, .. firstFragment, .. Bytes.Udp([1, 2, 3])], IpProtocol.HopByHop), type: 0x86DD);

        var packet = Packet.Read(Bytes.Frame(bytes));

        Assert.Equal((PacketLayer.Transport, IpProtocol.Udp, true, 53, 3), (packet.Layer, packet.Protocol, packet.IsFragment, packet.DestinationPort, packet.PayloadLength));
        Assert.Equal("2001:db8::2", packet.Source.ToString());
    }

    [Fact]
    public void A_later_fragment_is_never_read_as_ports()
    {
        var v4 = Packet.Read(Bytes.Frame(Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp([]), IpProtocol.Tcp, fragment: 0x2001))));
        var v6 = Packet.Read(Bytes.Frame(Bytes.Ethernet(Bytes.Ipv6([(byte)IpProtocol.Tcp, 0, .. Bytes.U16(8), .. Bytes.U32(9), .. Bytes.Tcp([])], IpProtocol.Fragment), type: 0x86DD)));

        Assert.Equal((PacketLayer.Network, true, 0, 20), (v4.Layer, v4.IsFragment, v4.DestinationPort, v4.PayloadLength));
        Assert.Equal((PacketLayer.Network, true, 0, IpProtocol.Tcp), (v6.Layer, v6.IsFragment, v6.DestinationPort, v6.Protocol));
    }

    [Fact]
    public void Cooked_and_raw_captures_give_the_same_packet()
    {
        var ip = Bytes.Ipv4(Bytes.Udp([9]), IpProtocol.Udp);
        byte[] address = [.. Bytes.Mac("02:00:00:00:00:02"), 0, 0];
        byte[] cooked = [.. Bytes.U16(4), .. Bytes.U16(1), .. Bytes.U16(6), .. address, .. Bytes.U16(0x0800), .. ip];
        byte[] cooked2 = [.. Bytes.U16(0x0800), 0, 0, .. Bytes.U32(3), .. Bytes.U16(1), 4, 6, .. address, .. ip];

        var one = Packet.Read(Bytes.Frame(cooked, link: LinkType.LinuxCooked));
        var two = Packet.Read(Bytes.Frame(cooked2, link: LinkType.LinuxCooked2));
        var raw = Packet.Read(Bytes.Frame(ip, link: LinkType.Raw));

        Assert.Equal((PacketLayer.Transport, "02:00:00:00:00:02", FrameDirection.Outgoing, 53), (one.Layer, one.SourceMac.ToString(), one.Direction, one.DestinationPort));
        Assert.Equal((PacketLayer.Transport, "02:00:00:00:00:02", FrameDirection.Outgoing, 53), (two.Layer, two.SourceMac.ToString(), two.Direction, two.DestinationPort));
        Assert.Equal((PacketLayer.Transport, 53, 1), (raw.Layer, raw.DestinationPort, raw.PayloadLength));
    }

    [Fact]
    public void A_capture_cut_at_54_bytes_still_shows_its_headers()
    {
        var whole = Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp(new byte[500], options: new byte[12]), IpProtocol.Tcp));

        var packet = Packet.Read(Bytes.Frame(whole[..54], originalLength: whole.Length));

        Assert.Equal((PacketLayer.Transport, 23, 0, 500), (packet.Layer, packet.DestinationPort, packet.Payload.Length, packet.PayloadLength));
    }

    public static TheoryData<string, byte[], PacketLayer> Malformed => new()
    {
        { "empty", [], PacketLayer.None },
        { "one byte short of Ethernet", new byte[13], PacketLayer.None },
        { "half a VLAN tag", Bytes.Ethernet([0, 1], type: 0x8100), PacketLayer.None },
        { "three VLAN tags", Bytes.Ethernet(Bytes.Vlan(Bytes.Vlan(Bytes.Vlan([]), 0x8100), 0x8100), 0x8100), PacketLayer.None },
        { "IPv4 of version 5", Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp([]), IpProtocol.Udp, version: 5)), PacketLayer.Link },
        { "IPv4 header of four words", Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp([]), IpProtocol.Udp, headerWords: 4)), PacketLayer.Link },
        { "IPv4 options past the end", Bytes.Ethernet(Bytes.Ipv4([], IpProtocol.Udp, headerWords: 6)), PacketLayer.Link },
        { "IPv4 total length below its header", Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp([]), IpProtocol.Udp, totalLength: 19)), PacketLayer.Link },
        { "IPv4 total length one past the frame", Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp([]), IpProtocol.Udp, totalLength: 29)), PacketLayer.Link },
        { "IPv6 of version 4", Bytes.Ethernet(Bytes.Ipv6(Bytes.Udp([]), IpProtocol.Udp, version: 4), 0x86DD), PacketLayer.Link },
        { "IPv6 payload length one past the frame", Bytes.Ethernet(Bytes.Ipv6(Bytes.Udp([]), IpProtocol.Udp, payloadLength: 9), 0x86DD), PacketLayer.Link },
        { "IPv6 extension past the end", Bytes.Ethernet(Bytes.Ipv6([17, 1, 0, 0, 0, 0, 0, 0], IpProtocol.HopByHop), 0x86DD), PacketLayer.Link },
        { "IPv6 with nine extension headers", Bytes.Ethernet(Bytes.Ipv6([.. Enumerable.Repeat(new byte[] { 60, 0, 1, 4, 0, 0, 0, 0 }, 9).SelectMany(bytes => bytes), .. Bytes.Udp([])], IpProtocol.DestinationOptions), 0x86DD), PacketLayer.Link },
        { "a first fragment too short for its ports (RFC 1858)", Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp([])[..8], IpProtocol.Tcp, fragment: 0x2000)), PacketLayer.Network },
        { "TCP data offset below five", Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp([], headerWords: 4), IpProtocol.Tcp)), PacketLayer.Network },
        { "TCP data offset past the segment", Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp([], headerWords: 6), IpProtocol.Tcp)), PacketLayer.Network },
        { "UDP length below its header", Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp([], length: 7), IpProtocol.Udp)), PacketLayer.Network },
        { "UDP length one past the datagram", Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp([], length: 9), IpProtocol.Udp)), PacketLayer.Network },
        { "ICMP of seven bytes", Bytes.Ethernet(Bytes.Ipv4(Bytes.Icmp([])[..7], IpProtocol.Icmp)), PacketLayer.Network },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void A_malformed_layer_is_refused_and_the_layers_below_it_kept(string why, byte[] bytes, PacketLayer layer)
    {
        var packet = Packet.Read(Bytes.Frame(bytes));

        Assert.True(packet.IsMalformed, why);
        Assert.Equal(layer, packet.Layer);
    }

    public static TheoryData<string, byte[]> MalformedDatagrams => new()
    {
        { "empty", [] },
        { "one byte short of a header", new byte[UdpHeader.Size - 1] },
        { "length smaller than the header", Bytes.Udp([], length: 7) },
        { "length one past the end", Bytes.Udp([], length: 9) },
    };

    [Theory, MemberData(nameof(MalformedDatagrams))]
    public void Malformed_datagram_is_refused(string why, byte[] datagram)
        => Assert.False(UdpHeader.TryParse(datagram, out _, out _), why);

    [Fact]
    public void Padding_after_a_datagram_is_not_its_payload()
    {
        Assert.True(UdpHeader.TryParse([.. Bytes.Udp([1, 2]), 0, 0, 0], out _, out var payload));

        Assert.Equal([1, 2], payload.ToArray());
    }

    [Fact]
    public void ARP_for_anything_but_IPv4_over_Ethernet_is_refused()
    {
        Assert.True(ArpPacket.TryParse(Bytes.Arp(operation: 2), out var arp));
        Assert.Equal((ArpOperation.Reply, "192.0.2.2", "192.0.2.1", "02:00:00:00:00:02"), (arp.Operation, arp.SenderAddress.ToString(), arp.TargetAddress.ToString(), arp.SenderMac.ToString()));
        Assert.False(ArpPacket.TryParse(Bytes.Arp(hardware: 6), out _));
        Assert.False(ArpPacket.TryParse(Bytes.Arp(hardwareLength: 8), out _));
        Assert.False(ArpPacket.TryParse(Bytes.Arp().AsSpan(0, 27), out _));
    }

    public static TheoryData<string, byte[]> WholePackets => new()
    {
        { "TCP", Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp([1, 2, 3, 4], options: [2, 4, 5, 180]), IpProtocol.Tcp, options: [1, 1, 1, 0])) },
        { "UDP in two VLANs", Bytes.Ethernet(Bytes.Vlan(Bytes.Vlan(Bytes.Ipv4(Bytes.Udp([1, 2]), IpProtocol.Udp)), type: 0x8100), type: 0x88A8) },
        { "ICMP", Bytes.Ethernet(Bytes.Ipv4(Bytes.Icmp([1, 2]), IpProtocol.Icmp)) },
        { "UDP over IPv6 with extensions", Bytes.Ethernet(Bytes.Ipv6([17, 0, 1, 4, 0, 0, 0, 0, .. Bytes.Udp([1])], IpProtocol.HopByHop), type: 0x86DD) },
    };

    [Theory, MemberData(nameof(WholePackets))]
    public void Every_prefix_is_refused_or_cut_never_overrun(string why, byte[] whole)
    {
        for (var length = 0; length <= whole.Length; length++)
        {
            var asSent = Packet.Read(Bytes.Frame(whole[..length]));
            var asCut = Packet.Read(Bytes.Frame(whole[..length], originalLength: whole.Length));

            Assert.True(length == whole.Length || asSent.IsMalformed, $"{why}: a frame of {length} bytes passed for whole");
            Assert.True(asCut.Payload.Length <= length, why);
            if (length == whole.Length) Assert.Equal((PacketLayer.Transport, false), (asSent.Layer, asSent.IsMalformed));
        }
    }

    [Fact]
    public void Reading_a_packet_allocates_nothing()
    {
        var packets = WholePackets.Select(row => row.Data.Item2).ToArray();
        long sum = 0;
        foreach (var bytes in packets) sum += Packet.Read(Bytes.Frame(bytes)).DestinationPort;

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            foreach (var bytes in packets) sum += Packet.Read(Bytes.Frame(bytes)).DestinationPort;
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.NotEqual(0, sum);
    }

    public static TheoryData<string, bool, bool, bool> Kinds => new()
    {
        // address, multicast, private, global
        { "192.168.1.1", false, true, false }, { "172.31.255.255", false, true, false }, { "172.32.0.0", false, false, true }, { "100.64.0.1", false, true, false },
        { "10.0.0.1", false, true, false }, { "11.0.0.1", false, false, true }, { "224.0.0.251", true, false, false }, { "239.255.255.250", true, false, false },
        { "255.255.255.255", false, false, false }, { "169.254.1.1", false, false, false }, { "127.0.0.1", false, false, false }, { "0.0.0.0", false, false, false },
        { "8.8.8.8", false, false, true }, { "2001:db8::1", false, false, true }, { "fe80::1", false, false, false }, { "ff02::fb", true, false, false },
        { "fd00::1", false, true, false }, { "::1", false, false, false }, { "::", false, false, false },
    };

    [Theory, MemberData(nameof(Kinds))]
    public void An_address_knows_its_kind(string text, bool isMulticast, bool isPrivate, bool isGlobal)
    {
        var address = InternetAddress.From(System.Net.IPAddress.Parse(text));

        Assert.Equal((text, isMulticast, isPrivate, isGlobal), (address.ToString(), address.IsMulticast, address.IsPrivate, address.IsGlobal));
    }
}
