using System.Globalization;
using System.Text;

namespace Gatehouse.See;

/// <summary>Makes a device's own text harmless: it is shown to the owner, logged and stored, and the device may be the attacker.</summary>
internal static class EvidenceText
{
    /// <summary>Characters kept of one text that rules are tried on. A page's start is the longest there is.</summary>
    public const int MaxLength = 2048;

    /// <summary>Characters shown, as <see cref="Home.Evidence"/> promises.</summary>
    public const int MaxShown = 200;

    /// <summary>
    /// Blanks of any kind become one blank; control and format characters are written as escapes. Among those are the marks that turn
    /// writing round, with which a name could read as another.
    /// </summary>
    public static string Clean(string text)
    {
        var clean = new StringBuilder(Math.Min(text.Length, MaxLength));
        foreach (var rune in text.EnumerateRunes())
        {
            if (clean.Length >= MaxLength - 10) break;
            if (Rune.IsWhiteSpace(rune)) AppendBlank(clean);
            else if (IsPlain(rune)) clean.Append(rune);
            else clean.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
        }

        return clean.ToString().Trim();
    }

    /// <summary>The start of a clean text, for a person.</summary>
    public static string Shown(string clean) => clean.Length <= MaxShown ? clean : string.Concat(clean.AsSpan(0, MaxShown - 1), "…");

    private static void AppendBlank(StringBuilder clean)
    {
        if (clean.Length > 0 && clean[^1] != ' ') clean.Append(' ');
    }

    private static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
        && rune != Rune.ReplacementChar;
}
