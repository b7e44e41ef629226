using System.Buffers;

namespace Gatehouse.Console;

/// <summary>A DNS name as a person types it.</summary>
internal static class TypedName
{
    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");

    /// <summary>Reads a name, or <c>*.</c> and a name, into lower case without the last dot. Lengths are those of RFC 1035, 2.3.4.</summary>
    public static bool TryNormalise(string? text, out string name)
    {
        name = (text ?? "").Trim().TrimEnd('.').ToLowerInvariant();
        var rest = name.StartsWith("*.", StringComparison.Ordinal) ? name.AsSpan(2) : name;
        if (rest.Length is 0 or > 253 || rest.ContainsAnyExcept(Allowed)) return false;

        foreach (var label in rest.Split('.'))
        {
            if (rest[label].Length is 0 or > 63) return false;
        }

        return true;
    }
}
