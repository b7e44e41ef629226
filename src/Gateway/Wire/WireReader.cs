using System.Buffers.Binary;

namespace Gatehouse.Wire;

/// <summary>Reads big-endian fields from untrusted bytes. The first read past the end fails this reader for good.</summary>
/// <remarks>Every decoder reads through this type; none indexes into a span by hand. A failed read returns zero or an empty span.</remarks>
public ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>False from the first read past the end on.</summary>
    public bool Ok { get; private set; } = true;

    /// <summary>Bytes not read yet.</summary>
    public readonly int Remaining => _rest.Length;

    /// <summary>The bytes not read yet.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    public byte ReadByte() => Take(1) is { IsEmpty: false } field ? field[0] : (byte)0;

    public ushort ReadUInt16() => Take(2) is { IsEmpty: false } field ? BinaryPrimitives.ReadUInt16BigEndian(field) : (ushort)0;

    public uint ReadUInt32() => Take(4) is { IsEmpty: false } field ? BinaryPrimitives.ReadUInt32BigEndian(field) : 0;

    public ulong ReadUInt64() => Take(8) is { IsEmpty: false } field ? BinaryPrimitives.ReadUInt64BigEndian(field) : 0;

    public MacAddress ReadMacAddress() => Take(MacAddress.Size) is { IsEmpty: false } field ? MacAddress.Read(field) : default;

    /// <summary>The next <paramref name="count"/> bytes; a negative count, as a lying length field gives, fails the reader.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        Ok &= count >= 0 && count <= _rest.Length;
        if (!Ok) return default;

        var field = _rest[..count];
        _rest = _rest[count..];
        return field;
    }

    /// <summary>Passes over <paramref name="count"/> bytes.</summary>
    public void Skip(int count) => Take(count);
}
