namespace Gatehouse.Wire;

/// <summary>An IPv6 header with its extension headers walked (RFC 8200, 3 and 4).</summary>
/// <param name="PayloadLength">In bytes, extension headers included. 0 for jumbograms and segments larger than 65,535 bytes.</param>
/// <param name="Protocol">What follows the last extension header.</param>
/// <param name="ExtensionLength">All extension headers together, in bytes.</param>
/// <param name="FragmentOffset">In bytes; beyond 0 what follows is no transport header.</param>
public readonly record struct Ipv6Header(
    ushort PayloadLength, byte HopLimit, IpProtocol Protocol, int ExtensionLength, bool MoreFragments, ushort FragmentOffset,
    InternetAddress Source, InternetAddress Destination)
{
    /// <summary>Length without extension headers, in bytes.</summary>
    public const int Size = 40;

    /// <summary>Extension headers one packet may have here. RFC 8200 has six kinds, one of them twice; a longer chain hides something.</summary>
    public const int MaxExtensions = 8;

    public bool IsFragment => MoreFragments || FragmentOffset != 0;

    /// <summary>Reads the header, walks the extension headers, gives what is there of the payload.</summary>
    /// <param name="packet">The captured bytes; they may end before the payload does, but not within the extension headers.</param>
    public static bool TryParse(ReadOnlySpan<byte> packet, out Ipv6Header header, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(packet);
        var version = reader.ReadUInt32() >> 28;
        var payloadLength = reader.ReadUInt16();
        var next = (IpProtocol)reader.ReadByte();
        var hopLimit = reader.ReadByte();
        var source = new InternetAddress(reader.ReadUInt64(), reader.ReadUInt64());
        var destination = new InternetAddress(reader.ReadUInt64(), reader.ReadUInt64());

        var body = reader.Rest;
        if (payloadLength != 0 && payloadLength < body.Length) body = body[..payloadLength];
        var extensions = new WireReader(body);
        ushort fragment = 0;
        var count = 0;
        while (fragment < 8 && IsExtension(next) && count++ < MaxExtensions) next = ReadExtension(ref extensions, next, ref fragment);

        header = new(payloadLength, hopLimit, next, body.Length - extensions.Remaining, (fragment & 1) != 0, (ushort)(fragment & 0xFFF8), source, destination);
        payload = extensions.Rest;
        return reader.Ok && extensions.Ok && version == 6 && count <= MaxExtensions;
    }

    private static bool IsExtension(IpProtocol next) => next
        is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.Fragment or IpProtocol.DestinationOptions or IpProtocol.AuthenticationHeader or IpProtocol.Mobility;

    private static IpProtocol ReadExtension(ref WireReader reader, IpProtocol kind, ref ushort fragment)
    {
        var next = (IpProtocol)reader.ReadByte();
        var length = reader.ReadByte();
        switch (kind)
        {
            case IpProtocol.Fragment:
                fragment = reader.ReadUInt16();
                reader.Skip(4); // identification
                break;
            case IpProtocol.AuthenticationHeader: // RFC 4302, 2.2: in units of four bytes, less two
                reader.Skip((length + 2) * 4 - 2);
                break;
            default: // in units of eight bytes, the first not counted
                reader.Skip((length + 1) * 8 - 2);
                break;
        }

        return next;
    }
}
