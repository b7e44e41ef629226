namespace Gatehouse.Wire;

/// <summary>A UDP header (RFC 768).</summary>
/// <param name="Length">In bytes, header included.</param>
public readonly record struct UdpHeader(ushort SourcePort, ushort DestinationPort, ushort Length, ushort Checksum)
{
    /// <summary>Length on the wire, in bytes.</summary>
    public const int Size = 8;

    /// <summary>Reads a header and its payload.</summary>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out UdpHeader header, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(datagram);
        header = Read(ref reader);

        // Ethernet pads short frames, so bytes after Length are normal. A Length beyond the bytes, or below
        // the header's own size (a negative count here), is a lie: Take refuses both.
        payload = reader.Take(header.Length - Size);
        return reader.Ok;
    }

    /// <summary>As <see cref="TryParse"/>, for a datagram that the capture, or fragmenting, cut: the payload is what is there of it.</summary>
    public static bool TryParseCut(ReadOnlySpan<byte> datagram, out UdpHeader header, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(datagram);
        header = Read(ref reader);
        payload = reader.Take(Math.Min(header.Length - Size, reader.Remaining));
        return reader.Ok;
    }

    private static UdpHeader Read(ref WireReader reader) => new(reader.ReadUInt16(), reader.ReadUInt16(), reader.ReadUInt16(), reader.ReadUInt16());
}
