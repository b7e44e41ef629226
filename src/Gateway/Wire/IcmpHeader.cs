namespace Gatehouse.Wire;

/// <summary>The first eight bytes of an ICMP (RFC 792) or ICMPv6 (RFC 4443) message.</summary>
/// <param name="Rest">Identifier and sequence of an echo; unused or a pointer elsewhere.</param>
public readonly record struct IcmpHeader(byte Type, byte Code, ushort Checksum, uint Rest)
{
    /// <summary>Length on the wire, in bytes.</summary>
    public const int Size = 8;

    public const byte EchoReply = 0;
    public const byte Unreachable = 3;
    public const byte Echo = 8;
    public const byte EchoV6 = 128;
    public const byte EchoReplyV6 = 129;

    public static bool TryParse(ReadOnlySpan<byte> message, out IcmpHeader header, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(message);
        header = new(reader.ReadByte(), reader.ReadByte(), reader.ReadUInt16(), reader.ReadUInt32());
        payload = reader.Rest;
        return reader.Ok;
    }
}
