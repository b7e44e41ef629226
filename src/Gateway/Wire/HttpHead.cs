using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Gatehouse.Wire;

/// <summary>The start line and the header fields of an HTTP/1 message, as two programs greet each other; also SSDP's, which borrows the form.</summary>
/// <remarks>
/// RFC 9112, 2 to 5. Refused: control characters, a header name that is no token, blanks before the colon, folded lines, more than
/// <see cref="MaxHeaders"/> fields, a head longer than <see cref="MaxBytes"/>. A head that is not complete yet is refused too; the caller decides whether to wait.
/// </remarks>
public sealed class HttpHead
{
    /// <summary>Longest head, in bytes; servers refuse longer ones as well (usual limit 8 KiB).</summary>
    public const int MaxBytes = 16 * 1024;

    /// <summary>Most header fields; browsers send about twenty.</summary>
    public const int MaxHeaders = 100;

    private HttpHead(string first, string second, string third, ImmutableArray<KeyValuePair<string, string>> headers, int length) =>
        (First, Second, Third, Headers, Length) = (first, second, third, headers, length);

    /// <summary>A request's method, or a response's version.</summary>
    private string First { get; }

    private string Second { get; }

    private string Third { get; }

    public bool IsResponse => First.StartsWith("HTTP/", StringComparison.Ordinal);

    /// <summary><c>GET</c>, <c>NOTIFY</c>…; empty for a response.</summary>
    public string Method => IsResponse ? "" : First;

    /// <summary>What is asked for; empty for a response.</summary>
    public string Target => IsResponse ? "" : Second;

    /// <summary>The status of a response; 0 for a request.</summary>
    public int Status => IsResponse ? int.Parse(Second, System.Globalization.CultureInfo.InvariantCulture) : 0;

    /// <summary>Names and values in their order, as they came.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Headers { get; }

    /// <summary>Bytes of the head, the empty line included: the body begins there.</summary>
    public int Length { get; }

    /// <summary>The first value of a field, found without regard to case, or null.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (var (header, value) in Headers)
            {
                if (header.Equals(name, StringComparison.OrdinalIgnoreCase)) return value;
            }

            return null;
        }
    }

    /// <summary>Reads a complete head at the start of <paramref name="bytes"/>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out HttpHead? head)
    {
        head = null;
        var lines = new HttpLines(bytes[..Math.Min(bytes.Length, MaxBytes)]);
        if (!lines.TryNext(out var start) || !TryStartLine(start, out var first, out var second, out var third)) return false;

        var headers = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        while (true)
        {
            if (!lines.TryNext(out var line)) return false;
            if (line.IsEmpty) break;
            if (headers.Count == MaxHeaders || !TryHeader(line, out var header)) return false;
            headers.Add(header);
        }

        head = new HttpHead(first, second, third, headers.ToImmutable(), lines.Taken);
        return true;
    }

    private static bool TryStartLine(ReadOnlySpan<byte> line, out string first, out string second, out string third)
    {
        (first, second, third) = ("", "", "");
        var text = Text(line);
        if (text is null || text.Split(' ', 3) is not [{ Length: > 0 } one, { Length: > 0 } two, .. var rest]) return false;

        (first, second, third) = (one, two, rest is [var last] ? last : "");
        return first.StartsWith("HTTP/1.", StringComparison.Ordinal)
            ? second.Length == 3 && second.All(char.IsAsciiDigit)
            : first.Length <= 20 && first.AsSpan().ContainsOnlyToken() && third.StartsWith("HTTP/1.", StringComparison.Ordinal);
    }

    private static bool TryHeader(ReadOnlySpan<byte> line, out KeyValuePair<string, string> header)
    {
        header = default;
        var colon = line.IndexOf((byte)':');
        if (colon <= 0 || Text(line) is not { } text || !text.AsSpan(0, colon).ContainsOnlyToken()) return false;
        header = new(text[..colon], text[(colon + 1)..].Trim(' ', '\t'));
        return true;
    }

    // Latin-1: one byte is one character, so what is an offset in the line is one in the text (RFC 9110, 5.5: opaque octets).
    private static string? Text(ReadOnlySpan<byte> line)
    {
        foreach (var octet in line)
        {
            if (octet is < 0x20 and not (byte)'\t' or 0x7F) return null;
        }

        return Encoding.Latin1.GetString(line);
    }
}

/// <summary>Takes lines off the start of a message. A line ends in LF, usually after CR (RFC 9112, 2.2).</summary>
internal ref struct HttpLines(ReadOnlySpan<byte> bytes)
{
    private WireReader _reader = new(bytes);
    private readonly int _all = bytes.Length;

    public readonly int Taken => _all - _reader.Remaining;

    public bool TryNext(out ReadOnlySpan<byte> line)
    {
        line = default;
        var end = _reader.Rest.IndexOf((byte)'\n');
        if (end < 0) return false;

        line = _reader.Take(end);
        _reader.Skip(1);
        if (line is [.. var withoutReturn, (byte)'\r']) line = withoutReturn;
        return true;
    }
}

internal static class HttpTokens
{
    private static readonly System.Buffers.SearchValues<char> _token =
        System.Buffers.SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>True for a token (RFC 9110, 5.6.2).</summary>
    public static bool ContainsOnlyToken(this ReadOnlySpan<char> text) => !text.ContainsAnyExcept(_token);
}
