namespace Gatehouse.Wire;

/// <summary>How far a packet could be read.</summary>
public enum PacketLayer : byte
{
    /// <summary>Not even the link header.</summary>
    None,

    /// <summary>The link header; what follows is not IP (ARP, 802.3, …), or not valid IP.</summary>
    Link,

    /// <summary>The IP header; what follows is no TCP, UDP or ICMP, a later fragment, or not valid.</summary>
    Network,

    /// <summary>Ports, or ICMP type and code.</summary>
    Transport,
}

/// <summary>All headers of one frame, read once for everybody who looks at it. <see cref="Payload"/> belongs to the frame's source.</summary>
/// <remarks>Fields beyond <see cref="Layer"/> are zero.</remarks>
public ref partial struct Packet
{
    /// <summary>VLAN tags one frame may carry (IEEE 802.1ad: two).</summary>
    public const int MaxVlanTags = 2;

    public PacketLayer Layer { get; private set; }

    /// <summary>True when a layer was there but broke its standard.</summary>
    public bool IsMalformed { get; private set; }

    public FrameDirection Direction { get; private set; }

    /// <summary>Nanoseconds since 1970-01-01 UTC.</summary>
    public long Time { get; private set; }

    /// <summary>The frame's length on the wire, in bytes.</summary>
    public int WireLength { get; private set; }

    /// <summary>Zero in raw captures.</summary>
    public MacAddress SourceMac { get; private set; }

    /// <summary>Zero in raw and cooked captures.</summary>
    public MacAddress DestinationMac { get; private set; }

    public EtherType EtherType { get; private set; }
    public ushort VlanId { get; private set; }
    public InternetAddress Source { get; private set; }
    public InternetAddress Destination { get; private set; }
    public IpProtocol Protocol { get; private set; }
    public byte TimeToLive { get; private set; }
    public bool IsFragment { get; private set; }
    public ushort SourcePort { get; private set; }
    public ushort DestinationPort { get; private set; }
    public TcpFlags Flags { get; private set; }
    public uint Sequence { get; private set; }
    public uint Acknowledgement { get; private set; }
    public ushort Window { get; private set; }
    public byte IcmpType { get; private set; }
    public byte IcmpCode { get; private set; }

    /// <summary>What the transport carries as far as it was captured; below <see cref="PacketLayer.Transport"/>, what the last layer read carries.</summary>
    public ReadOnlySpan<byte> Payload { get; private set; }

    /// <summary>The payload's length on the wire, in bytes; larger than <see cref="Payload"/> where the capture was cut.</summary>
    public int PayloadLength { get; private set; }

    /// <summary>Reads as many layers as there are.</summary>
    public static Packet Read(in Frame frame) => TryReadCommon(frame, out var packet) ? packet : ReadPlain(frame);

    /// <summary>The same, layer by layer through the decoders. <see cref="Read"/> asks this for all but the commonest packets.</summary>
    internal static Packet ReadPlain(in Frame frame)
    {
        var packet = new Packet { Time = frame.TimestampNanoseconds, WireLength = frame.OriginalLength, Direction = frame.Direction, VlanId = (ushort)(frame.VlanTag & 0xFFF) };
        if (!packet.ReadLink(frame.Link, frame.Bytes)) return packet;

        packet.Layer = PacketLayer.Link;
        packet.PayloadLength = Math.Max(0, frame.OriginalLength - (frame.Bytes.Length - packet.Payload.Length));
        if (packet.EtherType is not (EtherType.Ipv4 or EtherType.Ipv6)) return packet;

        if (!packet.ReadNetwork(packet.Payload, out var isLaterFragment)) return packet;

        packet.Layer = PacketLayer.Network;

        // A later fragment has no transport header: its first bytes must not be taken for ports.
        if (!isLaterFragment && packet.ReadTransport(packet.Payload)) packet.Layer = PacketLayer.Transport;
        return packet;
    }

    private bool ReadLink(LinkType link, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> payload;
        switch (link)
        {
            case LinkType.Ethernet:
                IsMalformed = !EthernetHeader.TryParse(bytes, out var ethernet, out payload);
                (SourceMac, DestinationMac, EtherType) = (ethernet.Source, ethernet.Destination, ethernet.Type);
                break;
            case LinkType.LinuxCooked:
                IsMalformed = !LinuxCookedHeader.TryParse(bytes, out var cooked, out payload);
                (SourceMac, Direction, EtherType) = (cooked.Source, cooked.Direction, cooked.Type);
                break;
            case LinkType.LinuxCooked2:
                IsMalformed = !LinuxCookedHeader.TryParse2(bytes, out var cooked2, out payload);
                (SourceMac, Direction, EtherType) = (cooked2.Source, cooked2.Direction, cooked2.Type);
                break;
            default:
                payload = bytes;
                EtherType = new WireReader(bytes).ReadByte() >> 4 == 6 ? EtherType.Ipv6 : EtherType.Ipv4;
                IsMalformed = bytes.IsEmpty;
                break;
        }

        Payload = payload;
        return !IsMalformed && ReadVlanTags();
    }

    private bool ReadVlanTags()
    {
        for (var tags = 0; EtherType is EtherType.Vlan or EtherType.ServiceVlan or EtherType.OldServiceVlan; tags++)
        {
            IsMalformed = !VlanHeader.TryParse(Payload, out var tag, out var tagged) || tags == MaxVlanTags;
            if (IsMalformed) return false;

            Payload = tagged;
            (VlanId, EtherType) = (tag.Id, tag.Type);
        }

        return true;
    }

    private bool ReadNetwork(ReadOnlySpan<byte> bytes, out bool isLaterFragment)
    {
        isLaterFragment = false;
        IsMalformed = !(EtherType == EtherType.Ipv4 ? ReadIpv4(bytes, ref isLaterFragment) : ReadIpv6(bytes, ref isLaterFragment));
        return !IsMalformed;
    }

    private bool ReadIpv4(ReadOnlySpan<byte> bytes, ref bool isLaterFragment)
    {
        // A total length beyond the frame is a lie that only the length on the wire uncovers: the capture may be cut.
        if (!Ipv4Header.TryParse(bytes, out var header, out var payload) || header.TotalLength > PayloadLength) return false;

        (Source, Destination, Protocol, TimeToLive) = (header.Source, header.Destination, header.Protocol, header.TimeToLive);
        IsFragment = header.IsFragment;
        isLaterFragment = header.FragmentOffset != 0;
        Payload = payload;
        PayloadLength = (header.TotalLength == 0 ? PayloadLength : header.TotalLength) - header.HeaderLength;
        return true;
    }

    private bool ReadIpv6(ReadOnlySpan<byte> bytes, ref bool isLaterFragment)
    {
        if (!Ipv6Header.TryParse(bytes, out var header, out var payload) || header.PayloadLength > PayloadLength - Ipv6Header.Size) return false;

        (Source, Destination, Protocol, TimeToLive) = (header.Source, header.Destination, header.Protocol, header.HopLimit);
        IsFragment = header.IsFragment;
        isLaterFragment = header.FragmentOffset != 0;
        Payload = payload;
        PayloadLength = (header.PayloadLength == 0 ? PayloadLength - Ipv6Header.Size : header.PayloadLength) - header.ExtensionLength;
        return true;
    }

    private bool ReadTransport(ReadOnlySpan<byte> bytes)
    {
        switch (Protocol)
        {
            case IpProtocol.Tcp: return ReadTcp(bytes);
            case IpProtocol.Udp: return ReadUdp(bytes);
            case IpProtocol.Icmp or IpProtocol.IcmpV6: return ReadIcmp(bytes);
            default: return false;
        }
    }

    private bool ReadTcp(ReadOnlySpan<byte> bytes)
    {
        // A first fragment too short for its ports and flags would slip past rules that look at them (RFC 1858), so it is malformed.
        IsMalformed = !TcpHeader.TryParseCut(bytes, out var header, out var payload) || header.HeaderLength > PayloadLength;
        if (IsMalformed) return false;

        (SourcePort, DestinationPort, Flags) = (header.SourcePort, header.DestinationPort, header.Flags);
        (Sequence, Acknowledgement, Window) = (header.Sequence, header.Acknowledgement, header.Window);
        Payload = payload;
        PayloadLength -= header.HeaderLength;
        return true;
    }

    private bool ReadUdp(ReadOnlySpan<byte> bytes)
    {
        IsMalformed = !UdpHeader.TryParseCut(bytes, out var header, out var payload) || (header.Length > PayloadLength && !IsFragment);
        if (IsMalformed) return false;

        (SourcePort, DestinationPort) = (header.SourcePort, header.DestinationPort);
        Payload = payload;
        PayloadLength = Math.Min(header.Length, PayloadLength) - UdpHeader.Size;
        return true;
    }

    private bool ReadIcmp(ReadOnlySpan<byte> bytes)
    {
        IsMalformed = !IcmpHeader.TryParse(bytes, out var header, out var payload);
        if (IsMalformed) return false;

        (IcmpType, IcmpCode) = (header.Type, header.Code);
        Payload = payload;
        PayloadLength -= IcmpHeader.Size;
        return true;
    }
}
