using System.Buffers.Binary;

namespace Gatehouse.Wire;

public ref partial struct Packet
{
    private const int IpAt = EthernetHeader.Size;
    private const int TransportAt = IpAt + Ipv4Header.Size;

    /// <summary>
    /// Nine packets of ten: Ethernet without a tag, IPv4 without options, no fragment, whole TCP or UDP header. Fixed places after one check
    /// of the length, a third of the time of the decoders (see the commit for numbers); anything unusual, and anything malformed, is left to
    /// <see cref="ReadPlain"/>. A test holds the two against each other.
    /// </summary>
    private static bool TryReadCommon(in Frame frame, out Packet packet)
    {
        packet = default;
        var bytes = frame.Bytes;
        if (frame.Link != LinkType.Ethernet || bytes.Length < TransportAt + UdpHeader.Size) return false;
        if (BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]) != (ushort)EtherType.Ipv4 || bytes[IpAt] != 0x45) return false;

        int totalLength = BinaryPrimitives.ReadUInt16BigEndian(bytes[(IpAt + 2)..]);
        var isFragment = (BinaryPrimitives.ReadUInt16BigEndian(bytes[(IpAt + 6)..]) & 0x3FFF) != 0;
        if (isFragment || totalLength < Ipv4Header.Size + UdpHeader.Size || totalLength > frame.OriginalLength - IpAt) return false;

        var end = Math.Min(bytes.Length, IpAt + totalLength);
        var isRead = bytes[IpAt + 9] switch
        {
            (byte)IpProtocol.Tcp => packet.ReadCommonTcp(bytes[..end], totalLength),
            (byte)IpProtocol.Udp => packet.ReadCommonUdp(bytes[..end], totalLength),
            _ => false,
        };
        if (!isRead) return false;

        packet.Layer = PacketLayer.Transport;
        packet.Direction = frame.Direction;
        packet.Time = frame.TimestampNanoseconds;
        packet.WireLength = frame.OriginalLength;
        packet.VlanId = (ushort)(frame.VlanTag & 0xFFF);
        packet.DestinationMac = MacAddress.Read(bytes);
        packet.SourceMac = MacAddress.Read(bytes[6..]);
        packet.EtherType = EtherType.Ipv4;
        packet.TimeToLive = bytes[IpAt + 8];
        packet.Source = InternetAddress.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(bytes[(IpAt + 12)..]));
        packet.Destination = InternetAddress.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(bytes[(IpAt + 16)..]));
        packet.SourcePort = BinaryPrimitives.ReadUInt16BigEndian(bytes[TransportAt..]);
        packet.DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(bytes[(TransportAt + 2)..]);
        return true;
    }

    private bool ReadCommonTcp(ReadOnlySpan<byte> bytes, int totalLength)
    {
        if (bytes.Length < TransportAt + TcpHeader.Size) return false;

        var offsetAndFlags = BinaryPrimitives.ReadUInt16BigEndian(bytes[(TransportAt + 12)..]);
        var headerLength = (offsetAndFlags >> 12) * 4;
        if (headerLength < TcpHeader.Size || headerLength > totalLength - Ipv4Header.Size) return false;

        Protocol = IpProtocol.Tcp;
        Sequence = BinaryPrimitives.ReadUInt32BigEndian(bytes[(TransportAt + 4)..]);
        Acknowledgement = BinaryPrimitives.ReadUInt32BigEndian(bytes[(TransportAt + 8)..]);
        Flags = (TcpFlags)(offsetAndFlags & 0x3F);
        Window = BinaryPrimitives.ReadUInt16BigEndian(bytes[(TransportAt + 14)..]);
        Payload = bytes[Math.Min(bytes.Length, TransportAt + headerLength)..];
        PayloadLength = totalLength - Ipv4Header.Size - headerLength;
        return true;
    }

    private bool ReadCommonUdp(ReadOnlySpan<byte> bytes, int totalLength)
    {
        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(TransportAt + 4)..]);
        if (length < UdpHeader.Size || length > totalLength - Ipv4Header.Size) return false;

        Protocol = IpProtocol.Udp;
        Payload = bytes[(TransportAt + UdpHeader.Size)..Math.Min(bytes.Length, TransportAt + length)];
        PayloadLength = length - UdpHeader.Size;
        return true;
    }
}
