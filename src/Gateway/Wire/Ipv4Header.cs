namespace Gatehouse.Wire;

/// <summary>What an IP packet carries (IANA protocol numbers); any other value may appear too.</summary>
public enum IpProtocol : byte
{
    HopByHop = 0,
    Icmp = 1,
    Igmp = 2,
    Tcp = 6,
    Udp = 17,
    Routing = 43,
    Fragment = 44,
    Gre = 47,
    Esp = 50,
    AuthenticationHeader = 51,
    IcmpV6 = 58,
    NoNextHeader = 59,
    DestinationOptions = 60,
    Mobility = 135,
}

/// <summary>An IPv4 header (RFC 791, 3.1). Checksums are the kernel's work; offloading leaves them empty here.</summary>
/// <param name="HeaderLength">In bytes, options included.</param>
/// <param name="TotalLength">In bytes, header included. 0 where the sender's card cuts segments larger than 65,535 bytes.</param>
/// <param name="FragmentOffset">In bytes.</param>
public readonly record struct Ipv4Header(
    int HeaderLength, ushort TotalLength, ushort Identification, bool DontFragment, bool MoreFragments, ushort FragmentOffset,
    byte TimeToLive, IpProtocol Protocol, InternetAddress Source, InternetAddress Destination)
{
    /// <summary>Length without options, in bytes.</summary>
    public const int Size = 20;

    /// <summary>Reads a header and what is there of its payload.</summary>
    /// <param name="packet">The captured bytes; they may end before <see cref="TotalLength"/> does.</param>
    /// <param name="payload">At most the declared payload: Ethernet's padding is not in it.</param>
    public static bool TryParse(ReadOnlySpan<byte> packet, out Ipv4Header header, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(packet);
        var versionAndLength = reader.ReadByte();
        reader.Skip(1); // type of service
        var totalLength = reader.ReadUInt16();
        var identification = reader.ReadUInt16();
        var fragment = reader.ReadUInt16();
        var headerLength = (versionAndLength & 0xF) * 4;
        header = new(
            headerLength, totalLength, identification, (fragment & 0x4000) != 0, (fragment & 0x2000) != 0, (ushort)((fragment & 0x1FFF) * 8),
            reader.ReadByte(), (IpProtocol)reader.ReadByte(), SkipChecksum(ref reader), InternetAddress.FromIpv4(reader.ReadUInt32()));
        reader.Skip(headerLength - Size); // a header length below 20 fails the reader

        var declared = totalLength == 0 ? reader.Remaining : totalLength - headerLength;
        payload = reader.Ok && declared >= 0 ? reader.Rest[..Math.Min(declared, reader.Remaining)] : default;
        return reader.Ok && versionAndLength >> 4 == 4 && declared >= 0;
    }

    public bool IsFragment => MoreFragments || FragmentOffset != 0;

    private static InternetAddress SkipChecksum(ref WireReader reader)
    {
        reader.Skip(2);
        return InternetAddress.FromIpv4(reader.ReadUInt32());
    }
}
