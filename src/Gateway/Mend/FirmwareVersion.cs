using System.Diagnostics.CodeAnalysis;

namespace Gatehouse.Mend;

/// <summary>
/// A firmware's version as makers write it: numbers parted by dots, perhaps a <c>v</c> before them and a suffix behind. Compared number by
/// number, so 1.10 is newer than 1.9 and 1.2 equals 1.2.0; with equal numbers, one with a pre-release suffix (<c>-rc1</c>) is older than one without.
/// </summary>
/// <remarks>What does not begin like that has no order and is never offered: an update must not become a guess.</remarks>
public sealed class FirmwareVersion : IComparable<FirmwareVersion>, IEquatable<FirmwareVersion>
{
    /// <summary>Longest text taken for a version, in characters.</summary>
    public const int MaxLength = 64;

    /// <summary>Most numbers in it.</summary>
    public const int MaxParts = 8;

    private readonly uint[] _parts;
    private readonly string _preRelease;

    private FirmwareVersion(string text, uint[] parts, string preRelease) => (Text, _parts, _preRelease) = (text, parts, preRelease);

    /// <summary>As it was written.</summary>
    public string Text { get; }

    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out FirmwareVersion? version)
    {
        version = null;
        if (text is null || text.Length is 0 or > MaxLength || !text.All(IsVersionCharacter)) return false;

        var rest = text.AsSpan(text[0] is 'v' or 'V' ? 1 : 0);
        var numbers = rest.IndexOfAnyExceptInRange('0', '9') is var end && end < 0 ? rest : rest[..EndOfNumbers(rest)];
        var parts = new List<uint>();
        foreach (var range in numbers.Split('.'))
        {
            if (parts.Count == MaxParts || !uint.TryParse(numbers[range], System.Globalization.NumberStyles.None, null, out var part)) return false;
            parts.Add(part);
        }

        // Semantic Versioning 2.0.0: '-' begins a pre-release, '+' build data that has no order. Any other suffix is taken for build data too.
        var suffix = rest[numbers.Length..].ToString();
        version = new(text, [.. parts], suffix is ['-', .. var pre] ? pre.Split('+')[0] : "");
        return true;
    }

    public int CompareTo(FirmwareVersion? other)
    {
        if (other is null) return 1;
        for (var i = 0; i < Math.Max(_parts.Length, other._parts.Length); i++)
        {
            if (Part(i).CompareTo(other.Part(i)) is not 0 and var byNumber) return byNumber;
        }

        return (_preRelease.Length, other._preRelease.Length) switch
        {
            (0, 0) => 0,
            (0, _) => 1,
            (_, 0) => -1,
            _ => string.CompareOrdinal(_preRelease, other._preRelease),
        };
    }

    public bool Equals(FirmwareVersion? other) => CompareTo(other) == 0;
    public override bool Equals(object? obj) => obj is FirmwareVersion other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        for (var i = 0; i < MaxParts; i++) hash.Add(Part(i));
        hash.Add(_preRelease);
        return hash.ToHashCode();
    }

    public override string ToString() => Text;

    public static bool operator <(FirmwareVersion left, FirmwareVersion right) => left.CompareTo(right) < 0;
    public static bool operator >(FirmwareVersion left, FirmwareVersion right) => left.CompareTo(right) > 0;
    public static bool operator <=(FirmwareVersion left, FirmwareVersion right) => left.CompareTo(right) <= 0;
    public static bool operator >=(FirmwareVersion left, FirmwareVersion right) => left.CompareTo(right) >= 0;
    public static bool operator ==(FirmwareVersion? left, FirmwareVersion? right) => left is null ? right is null : left.Equals(right);
    public static bool operator !=(FirmwareVersion? left, FirmwareVersion? right) => !(left == right);

    private uint Part(int index) => index < _parts.Length ? _parts[index] : 0;

    private static int EndOfNumbers(ReadOnlySpan<char> text)
    {
        var end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || (text[end] == '.' && end + 1 < text.Length && char.IsAsciiDigit(text[end + 1])))) end++;
        return end;
    }

    private static bool IsVersionCharacter(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '+' or '_' or '~' or '(' or ')';
}
