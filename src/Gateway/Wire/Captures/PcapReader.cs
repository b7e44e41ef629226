using System.Buffers.Binary;

namespace Gatehouse.Wire.Captures;

/// <summary>The variant of pcap that the first four bytes tell.</summary>
internal readonly record struct PcapFormat(bool IsLittleEndian, int NanosecondsPerUnit);

/// <summary>Reads the classic format: a header of 24 bytes, then records (draft-ietf-opsawg-pcap-05).</summary>
internal sealed class PcapReader(CaptureBuffer buffer, PcapFormat format)
{
    public const int MagicSize = 4;

    /// <summary>Bytes one record may hold: libpcap's own limit (MAXIMUM_SNAPLEN). A larger length is damage, and would be followed blindly.</summary>
    public const int MaxCapturedBytes = 262_144;

    private const int FileHeaderSize = 24;
    private const int RecordHeaderSize = 16;
    private const uint Microseconds = 0xA1B2C3D4;
    private const uint Nanoseconds = 0xA1B23C4D;

    public static bool TryReadMagic(ReadOnlySpan<byte> start, out PcapFormat format)
    {
        var magic = start.Length == MagicSize ? BinaryPrimitives.ReadUInt32BigEndian(start) : 0;
        var isLittle = BinaryPrimitives.ReverseEndianness(magic) is Microseconds or Nanoseconds;
        if (isLittle) magic = BinaryPrimitives.ReverseEndianness(magic);

        format = new(isLittle, magic == Nanoseconds ? 1 : 1000);
        return magic is Microseconds or Nanoseconds;
    }

    /// <returns>Why it stopped before the end, or null.</returns>
    public string? ReadAll<T>(ref T consumer, ref CaptureCount count)
        where T : IFrameConsumer, allows ref struct
    {
        var header = buffer.Peek(FileHeaderSize);
        if (header.Length < FileHeaderSize) return "the file ends within its header";

        var link = (LinkType)(ReadUInt32(header[20..]) & 0xFFFF); // the upper bits tell the length of a frame check sequence
        buffer.TrySkip(FileHeaderSize);
        while (buffer.Peek(RecordHeaderSize) is { IsEmpty: false } record)
        {
            if (record.Length < RecordHeaderSize) return "the file ends within a packet";

            var time = ReadUInt32(record) * 1_000_000_000L + (long)ReadUInt32(record[4..]) * format.NanosecondsPerUnit;
            var captured = ReadUInt32(record[8..]);
            var original = ReadUInt32(record[12..]);
            if (captured > MaxCapturedBytes) return $"a packet claims {captured} bytes";

            buffer.TrySkip(RecordHeaderSize);
            var bytes = buffer.Peek((int)captured);
            if (bytes.Length < captured) return "the file ends within a packet";

            count.Give(ref consumer, new Frame { Bytes = bytes, OriginalLength = CaptureLength.Of(original, captured), TimestampNanoseconds = time, Link = link });
            buffer.TrySkip(captured);
        }

        return null;
    }

    private uint ReadUInt32(ReadOnlySpan<byte> bytes) =>
        format.IsLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}

internal static class CaptureLength
{
    /// <summary>The length on the wire that a record claims, made plausible: never below what was captured, never beyond what any link carries.</summary>
    public static int Of(uint original, uint captured) => (int)Math.Clamp(original, captured, Math.Max(captured, PcapReader.MaxCapturedBytes));
}
