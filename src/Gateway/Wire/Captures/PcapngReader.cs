using System.Buffers.Binary;

namespace Gatehouse.Wire.Captures;

/// <summary>Reads pcapng: sections of blocks, each with interfaces of their own link type and clock (draft-ietf-opsawg-pcapng-03).</summary>
internal sealed class PcapngReader(CaptureBuffer buffer)
{
    /// <summary>Interfaces one section may describe; a capture host has a handful.</summary>
    public const int MaxInterfaces = 1024;

    /// <summary>Bytes a block that is read here may hold: a packet of the largest size and its options. Others are passed over whatever their length.</summary>
    public const int MaxBlockBytes = PcapReader.MaxCapturedBytes + 4096;

    private const int BlockOverhead = 12; // type, length, and the length again at the end
    private const uint SectionHeader = 0x0A0D0D0A;
    private const uint ByteOrderMagic = 0x1A2B3C4D;
    private const uint InterfaceDescription = 1;
    private const uint ObsoletePacket = 2;
    private const uint SimplePacket = 3;
    private const uint EnhancedPacket = 6;
    private const ushort OptionFlags = 2;
    private const ushort OptionTimestampResolution = 9;
    private const ushort OptionTimestampOffset = 14;

    private readonly List<Interface> _interfaces = [];
    private bool _isLittleEndian;

    /// <summary>One interface of the present section.</summary>
    private readonly record struct Interface(LinkType Link, uint SnapLength, ulong UnitsPerSecond, long OffsetSeconds);

    public static bool IsMagic(ReadOnlySpan<byte> start) => start.Length == 4 && BinaryPrimitives.ReadUInt32BigEndian(start) == SectionHeader;

    /// <returns>Why it stopped before the end, or null.</returns>
    public string? ReadAll<T>(ref T consumer, ref CaptureCount count)
        where T : IFrameConsumer, allows ref struct
    {
        while (buffer.Peek(BlockOverhead) is { IsEmpty: false } start)
        {
            if (start.Length < BlockOverhead) return "the file ends within a block";
            if (IsMagic(start[..4]) && !TryReadByteOrder(start[8..])) return "a section has an unknown byte order";

            var type = ReadUInt32(start);
            var length = ReadUInt32(start[4..]);
            if (length < BlockOverhead || length % 4 != 0) return $"a block claims {length} bytes";

            if (ReadBlock(type, length, ref consumer, ref count) is { } fault) return fault;
            if (!buffer.TrySkip(length)) return "the file ends within a block";
        }

        return null;
    }

    private bool TryReadByteOrder(ReadOnlySpan<byte> magic)
    {
        _isLittleEndian = BinaryPrimitives.ReadUInt32LittleEndian(magic) == ByteOrderMagic;
        return _isLittleEndian || BinaryPrimitives.ReadUInt32BigEndian(magic) == ByteOrderMagic;
    }

    private string? ReadBlock<T>(uint type, uint length, ref T consumer, ref CaptureCount count)
        where T : IFrameConsumer, allows ref struct
    {
        if (type is not (SectionHeader or InterfaceDescription or ObsoletePacket or SimplePacket or EnhancedPacket)) return null;
        if (length > MaxBlockBytes) return $"a block claims {length} bytes";

        var block = buffer.Peek((int)length);
        if (block.Length < length) return "the file ends within a block";

        var body = block[8..^4];
        switch (type)
        {
            case SectionHeader:
                _interfaces.Clear();
                return null;
            case InterfaceDescription:
                return AddInterface(body);
            case SimplePacket:
                return ReadSimplePacket(body, ref consumer, ref count);
            default:
                return ReadPacket(body, isObsolete: type == ObsoletePacket, ref consumer, ref count);
        }
    }

    private string? AddInterface(ReadOnlySpan<byte> body)
    {
        if (body.Length < 8) return "an interface's description is too short";
        if (_interfaces.Count == MaxInterfaces) return "a section describes too many interfaces";

        ulong unitsPerSecond = 1_000_000;
        long offset = 0;
        var options = body[8..];
        while (TryReadOption(ref options, out var code, out var value))
        {
            if (code == OptionTimestampResolution && value.Length == 1 && !TryReadResolution(value[0], out unitsPerSecond)) return "an interface's clock is too fine";
            if (code == OptionTimestampOffset && value.Length == 8) offset = _isLittleEndian ? BinaryPrimitives.ReadInt64LittleEndian(value) : BinaryPrimitives.ReadInt64BigEndian(value);
        }

        _interfaces.Add(new((LinkType)ReadUInt16(body), ReadUInt32(body[4..]), unitsPerSecond, Math.Clamp(offset, -uint.MaxValue, uint.MaxValue)));
        return null;
    }

    // Bit 7 tells the base (2 or 10), the others the negative power. Finer than nanoseconds by more than 10^9 has no use and no room.
    private static bool TryReadResolution(byte value, out ulong unitsPerSecond)
    {
        var power = value & 0x7F;
        var isBinary = (value & 0x80) != 0;
        unitsPerSecond = 1;
        if (power > (isBinary ? 62 : 18)) return false;
        for (var i = 0; i < power; i++) unitsPerSecond *= isBinary ? 2UL : 10UL;
        return true;
    }

    private string? ReadSimplePacket<T>(ReadOnlySpan<byte> body, ref T consumer, ref CaptureCount count)
        where T : IFrameConsumer, allows ref struct
    {
        if (body.Length < 4 || _interfaces.Count == 0) return "a simple packet without an interface";

        var original = ReadUInt32(body);
        var snap = _interfaces[0].SnapLength == 0 ? uint.MaxValue : _interfaces[0].SnapLength;
        var captured = Math.Min(Math.Min(original, snap), (uint)(body.Length - 4));
        Give(_interfaces[0], 0, body.Slice(4, (int)captured), original, FrameDirection.Unknown, ref consumer, ref count);
        return null;
    }

    private string? ReadPacket<T>(ReadOnlySpan<byte> body, bool isObsolete, ref T consumer, ref CaptureCount count)
        where T : IFrameConsumer, allows ref struct
    {
        if (body.Length < 20) return "a packet's block is too short";

        var id = isObsolete ? ReadUInt16(body) : ReadUInt32(body);
        if (id >= (uint)_interfaces.Count) return $"a packet names interface {id}, which is not described";

        var time = (ulong)ReadUInt32(body[4..]) << 32 | ReadUInt32(body[8..]);
        var captured = ReadUInt32(body[12..]);
        if (captured > (uint)(body.Length - 20)) return $"a packet claims {captured} bytes";

        var options = body[(20 + Math.Min((int)(captured + 3 & ~3u), body.Length - 20))..];
        Give(_interfaces[(int)id], time, body.Slice(20, (int)captured), ReadUInt32(body[16..]), ReadDirection(options), ref consumer, ref count);
        return null;
    }

    private FrameDirection ReadDirection(ReadOnlySpan<byte> options)
    {
        while (TryReadOption(ref options, out var code, out var value))
        {
            if (code == OptionFlags && value.Length == 4) return (ReadUInt32(value) & 3) switch { 1 => FrameDirection.Incoming, 2 => FrameDirection.Outgoing, _ => FrameDirection.Unknown };
        }

        return FrameDirection.Unknown;
    }

    private static void Give<T>(
        in Interface on, ulong time, ReadOnlySpan<byte> bytes, uint original, FrameDirection direction, ref T consumer, ref CaptureCount count)
        where T : IFrameConsumer, allows ref struct
    {
        // Times beyond pcap's own range (the year 2106) are damage; they must not overflow what computes with them.
        var seconds = Math.Clamp((long)Math.Min(time / on.UnitsPerSecond, uint.MaxValue) + on.OffsetSeconds, 0, uint.MaxValue);
        var fraction = (long)((UInt128)(time % on.UnitsPerSecond) * 1_000_000_000 / on.UnitsPerSecond);
        count.Give(ref consumer, new Frame
        {
            Bytes = bytes, OriginalLength = CaptureLength.Of(original, (uint)bytes.Length), Link = on.Link, Direction = direction,
            TimestampNanoseconds = seconds * 1_000_000_000 + fraction,
        });
    }

    private bool TryReadOption(ref ReadOnlySpan<byte> options, out ushort code, out ReadOnlySpan<byte> value)
    {
        code = 0;
        value = default;
        if (options.Length < 4) return false;

        code = ReadUInt16(options);
        var length = ReadUInt16(options[2..]);
        if (code == 0 || length > options.Length - 4) return false;

        value = options.Slice(4, length);
        options = options[Math.Min(options.Length, 4 + (length + 3 & ~3))..];
        return true;
    }

    private ushort ReadUInt16(ReadOnlySpan<byte> bytes) =>
        _isLittleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    private uint ReadUInt32(ReadOnlySpan<byte> bytes) =>
        _isLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
