using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Gatehouse.Trust.Metadata;

/// <summary>Reads single strings and values at known places of a file that was already read once and is known to be JSON.</summary>
internal static class JsonText
{
    /// <summary>The string whose opening quote is at <paramref name="offset"/>, as UTF-8, and where it ends.</summary>
    public static byte[] ReadString(ReadOnlySpan<byte> file, int offset, out int end)
    {
        var raw = RawString(file, offset, out end);
        if (!raw.Contains((byte)'\\')) return raw.ToArray();

        var reader = new Utf8JsonReader(file[offset..end]);
        reader.Read();
        return Encoding.UTF8.GetBytes(reader.GetString()!);
    }

    /// <summary>Compares the string at <paramref name="offset"/> with <paramref name="other"/> (plain UTF-8) by code points.</summary>
    public static int CompareString(ReadOnlySpan<byte> file, int offset, ReadOnlySpan<byte> other)
    {
        var raw = RawString(file, offset, out _);
        return raw.Contains((byte)'\\') ? ReadString(file, offset, out _).AsSpan().SequenceCompareTo(other) : raw.SequenceCompareTo(other);
    }


    /// <summary>Skips white space and, behind a member's name, its colon.</summary>
    public static int ValueFrom(ReadOnlySpan<byte> file, int offset)
    {
        while (file[offset] == (byte)':' || Space.Contains(file[offset])) offset++;
        return offset;
    }

    private static readonly SearchValues<byte> Space = SearchValues.Create(" \t\r\n"u8);

    private static ReadOnlySpan<byte> RawString(ReadOnlySpan<byte> file, int offset, out int end)
    {
        var rest = file[(offset + 1)..];
        var length = 0;
        while (true)
        {
            length += rest[length..].IndexOfAny((byte)'"', (byte)'\\');
            if (rest[length] == (byte)'"') break;

            length += 2;
        }

        end = offset + length + 2;
        return rest[..length];
    }
}
