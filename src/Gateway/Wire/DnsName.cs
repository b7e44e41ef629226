using System.Text;

namespace Gatehouse.Wire;

/// <summary>A DNS name: labels of 1 to 63 arbitrary bytes, 255 bytes in all. Equal without regard to ASCII case; keeps the case it came with.</summary>
/// <remarks>RFC 1035, 3.1 and RFC 4343. Text forms escape what is not a plain printable character, so a name is safe to log and unambiguous.</remarks>
public readonly struct DnsName : IEquatable<DnsName>
{
    /// <summary>Longest name on the wire, the root's zero byte included (RFC 1035, 2.3.4).</summary>
    public const int MaxBytes = 255;

    /// <summary>Longest label (RFC 1035, 2.3.4).</summary>
    public const int MaxLabelBytes = 63;

    private static readonly byte[] RootWire = [0];
    private readonly byte[]? _wire;

    // Only code that has checked the bytes makes one.
    private DnsName(byte[] wire) => _wire = wire;

    public static DnsName Root => default;

    public bool IsRoot => Wire.Length == 1;

    /// <summary>The name uncompressed: length-prefixed labels and the root's zero.</summary>
    public ReadOnlySpan<byte> Wire => _wire ?? RootWire;

    /// <summary>The leftmost label's bytes, empty for the root. In DNS-SD it is the instance's own text in UTF-8.</summary>
    public ReadOnlySpan<byte> FirstLabel => Wire.Slice(1, Wire[0]);

    /// <summary>The name without its leftmost label; the root's parent is the root.</summary>
    public DnsName Parent => IsRoot ? this : new(Wire[(Wire[0] + 1)..].ToArray());

    public int LabelCount
    {
        get
        {
            var count = 0;
            for (var rest = Wire; rest[0] != 0; rest = rest[(rest[0] + 1)..]) count++;
            return count;
        }
    }

    /// <summary>True for every name strictly below <paramref name="ancestor"/>.</summary>
    public bool IsBelow(DnsName ancestor)
    {
        var rest = Wire;
        while (rest.Length > ancestor.Wire.Length) rest = rest[(rest[0] + 1)..];
        return rest.Length < Wire.Length && EqualBytes(rest, ancestor.Wire);
    }

    /// <summary>Reads a name in presentation form (<c>a.example</c>, a last dot allowed, <c>\.</c> and <c>\065</c> escapes).</summary>
    public static bool TryParse(string? text, out DnsName name)
    {
        name = default;
        if (text is null or "" || text.Length > MaxBytes * 4) return false;
        if (text == ".") return true;

        var source = Encoding.UTF8.GetBytes(text);
        Span<byte> wire = stackalloc byte[MaxBytes];
        var (length, labelAt) = (1, 0);
        for (var i = 0; i < source.Length; i++)
        {
            if (length >= MaxBytes) return false;
            if (source[i] == '.')
            {
                if (!TryCloseLabel(wire, labelAt, length)) return false;
                labelAt = length++;
                continue;
            }

            if (!TryReadCharacter(source, ref i, out wire[length])) return false;
            length++;
        }

        if (labelAt != length - 1)
        {
            if (length >= MaxBytes || !TryCloseLabel(wire, labelAt, length)) return false;
            labelAt = length++;
        }

        wire[labelAt] = 0;
        name = new(wire[..length].ToArray());
        return true;
    }

    /// <summary>Reads what <see cref="TryParse"/> reads.</summary>
    /// <exception cref="FormatException">It is not a DNS name.</exception>
    public static DnsName Parse(string text) => TryParse(text, out var name) ? name : throw new FormatException($"'{text}' is not a DNS name.");

    /// <summary>Puts <paramref name="label"/> (its bytes as they are) before this name.</summary>
    public bool TryPrepend(ReadOnlySpan<byte> label, out DnsName name)
    {
        name = default;
        if (label.Length is 0 or > MaxLabelBytes || label.Length + 1 + Wire.Length > MaxBytes) return false;
        name = new([(byte)label.Length, .. label, .. Wire]);
        return true;
    }

    /// <summary>Reads a name that may be compressed. <paramref name="reader"/> is over <paramref name="bytes"/>, which begins with the message's header.</summary>
    /// <remarks>
    /// RFC 1035, 4.1.4. The attack is a pointer loop, or a chain so long that a small message costs much: every pointer must lead to
    /// before the part it ends, so each step goes down, and the whole name has at most 255 bytes.
    /// </remarks>
    public static DnsName Read(ref WireReader reader, ReadOnlySpan<byte> bytes)
    {
        Span<byte> wire = stackalloc byte[MaxBytes];
        var length = 0;
        var partAt = bytes.Length - reader.Remaining;
        var jumped = false;
        var cursor = reader;
        while (true)
        {
            var octet = cursor.ReadByte();
            if (!cursor.Ok) return Refuse(ref reader);

            switch (octet & 0xC0)
            {
                case 0x00:
                    if (length + 1 + octet > MaxBytes - (octet == 0 ? 0 : 1)) return Refuse(ref reader);
                    var label = cursor.Take(octet);
                    if (!cursor.Ok) return Refuse(ref reader);
                    wire[length] = octet;
                    label.CopyTo(wire[(length + 1)..]);
                    length += octet + 1;
                    if (octet != 0) continue;

                    if (!jumped) reader = cursor;
                    return length == 1 ? Root : new(wire[..length].ToArray());

                case 0xC0:
                    var target = (octet & 0x3F) << 8 | cursor.ReadByte();
                    if (!cursor.Ok || target >= partAt || target < DnsMessage.HeaderSize) return Refuse(ref reader);
                    if (!jumped) reader = cursor;
                    jumped = true;
                    partAt = target;
                    cursor = new WireReader(bytes);
                    cursor.Skip(target);
                    continue;

                default:
                    // 0x40 and 0x80: extended and reserved label types, never in use (RFC 6891, 5).
                    return Refuse(ref reader);
            }
        }
    }

    /// <summary>Presentation form without the last dot, in the name's own case; <c>.</c> for the root.</summary>
    public override string ToString()
    {
        if (IsRoot) return ".";

        var text = new StringBuilder(Wire.Length);
        for (var rest = Wire; rest[0] != 0; rest = rest[(rest[0] + 1)..])
        {
            if (text.Length > 0) text.Append('.');
            foreach (var octet in rest.Slice(1, rest[0])) AppendEscaped(text, octet);
        }

        return text.ToString();
    }

    /// <summary>Presentation form in lower case: the form permissions and questions are kept in.</summary>
    public string ToLowerString() => ToString().ToLowerInvariant();

    public bool Equals(DnsName other) => EqualBytes(Wire, other.Wire);

    public override bool Equals(object? obj) => obj is DnsName other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var octet in Wire) hash.Add(Lower(octet));
        return hash.ToHashCode();
    }

    public static bool operator ==(DnsName left, DnsName right) => left.Equals(right);
    public static bool operator !=(DnsName left, DnsName right) => !left.Equals(right);

    private static DnsName Refuse(ref WireReader reader)
    {
        reader.Skip(-1);
        return default;
    }

    private static bool TryCloseLabel(Span<byte> wire, int labelAt, int end)
    {
        var size = end - labelAt - 1;
        if (size is 0 or > MaxLabelBytes) return false;
        wire[labelAt] = (byte)size;
        return true;
    }

    // RFC 1035, 5.1: \X is X, \DDD is the octet with that decimal value.
    private static bool TryReadCharacter(ReadOnlySpan<byte> source, ref int i, out byte octet)
    {
        octet = source[i];
        if (octet != '\\') return true;

        var rest = source[(i + 1)..];
        if (rest.IsEmpty) return false;
        if (!char.IsAsciiDigit((char)rest[0]))
        {
            octet = rest[0];
            i += 1;
            return true;
        }

        if (rest.Length < 3 || !char.IsAsciiDigit((char)rest[1]) || !char.IsAsciiDigit((char)rest[2])) return false;
        var value = (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0');
        if (value > byte.MaxValue) return false;
        octet = (byte)value;
        i += 3;
        return true;
    }

    private static void AppendEscaped(StringBuilder text, byte octet)
    {
        if (octet is (byte)'.' or (byte)'\\') text.Append('\\').Append((char)octet);
        else if (octet is > 0x20 and < 0x7F) text.Append((char)octet);
        else text.Append('\\').Append((char)('0' + octet / 100)).Append((char)('0' + octet / 10 % 10)).Append((char)('0' + octet % 10));
    }

    private static byte Lower(byte octet) => octet is >= (byte)'A' and <= (byte)'Z' ? (byte)(octet | 0x20) : octet;

    private static bool EqualBytes(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.Length != right.Length) return false;
        for (var i = 0; i < left.Length; i++)
        {
            if (Lower(left[i]) != Lower(right[i])) return false;
        }

        return true;
    }
}
