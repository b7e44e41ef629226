namespace Gatehouse.Wire;

[Flags]
public enum TcpFlags : byte
{
    None = 0,
    Fin = 1,
    Syn = 2,
    Rst = 4,
    Psh = 8,
    Ack = 16,
    Urg = 32,
}

/// <summary>A TCP header (RFC 9293, 3.1).</summary>
/// <param name="HeaderLength">In bytes, options included.</param>
public readonly record struct TcpHeader(
    ushort SourcePort, ushort DestinationPort, uint Sequence, uint Acknowledgement, int HeaderLength, TcpFlags Flags, ushort Window)
{
    /// <summary>Length without options, in bytes.</summary>
    public const int Size = 20;

    /// <summary>Reads a header and its payload; a header that does not fit is refused.</summary>
    public static bool TryParse(ReadOnlySpan<byte> segment, out TcpHeader header, out ReadOnlySpan<byte> payload)
    {
        var isWhole = TryParseCut(segment, out header, out payload);
        return isWhole && header.HeaderLength <= segment.Length;
    }

    /// <summary>As <see cref="TryParse"/>, for a segment that the capture cut: options may be missing, the payload is then empty.</summary>
    public static bool TryParseCut(ReadOnlySpan<byte> segment, out TcpHeader header, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(segment);
        var ports = reader.ReadUInt32();
        var sequence = reader.ReadUInt32();
        var acknowledgement = reader.ReadUInt32();
        var offsetAndFlags = reader.ReadUInt16();
        header = new(
            (ushort)(ports >> 16), (ushort)(ports & 0xFFFF), sequence, acknowledgement,
            (offsetAndFlags >> 12) * 4, (TcpFlags)(offsetAndFlags & 0x3F), reader.ReadUInt16());
        reader.Skip(4); // checksum, urgent pointer

        var options = header.HeaderLength - Size;
        reader.Skip(Math.Min(options, reader.Remaining)); // a data offset below 5 fails the reader
        payload = reader.Rest;
        return reader.Ok;
    }
}
