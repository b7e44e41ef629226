using System.Text;

namespace Gatehouse.Commands.Documents;

/// <summary>Writes one page in the man macros (<c>groff_man(7)</c>). Everything written is text: none of it can become a request of the formatter.</summary>
internal sealed class Roff
{
    private readonly StringBuilder _page = new();

    public Roff(string name, string section, string version) =>
        _page.Append(null, $".TH {Quoted(name.ToUpperInvariant())} {section} \"\" {Quoted($"Gatehouse {version}")} {Quoted(section == "5" ? "File formats" : "System administration")}\n.nh\n.ad l\n");

    public static string Text(string text) => Escape(text);

    public static string Bold(string text) => $@"\fB{Escape(text)}\fR";

    public static string Italic(string text) => $@"\fI{Escape(text)}\fR";

    /// <summary>Another page, <c>name(section)</c>.</summary>
    public static string Reference(string name, string section) => $"{Bold(name)}({section})";

    public Roff Section(string title)
    {
        _page.Append(null, $".SH {Quoted(title)}\n");
        return this;
    }

    public void Paragraph(params ReadOnlySpan<string> words) => _page.Append(Line(string.Join(' ', words)));

    /// <summary>A term with what it means beside it.</summary>
    public void Item(IReadOnlyList<string> term, string meaning) => _page.Append(".TP\n").Append(Line(string.Join(' ', term))).Append(Line(Escape(meaning)));

    /// <summary>A line to be typed as it stands.</summary>
    public void Example(string line) => _page.Append(".PP\n.nf\n").Append(Line(Escape(line))).Append(".fi\n");

    public override string ToString() => _page.ToString();

    private static string Quoted(string text) => $"\"{Escape(text).Replace("\"", "\\(dq", StringComparison.Ordinal)}\"";

    // A line that begins with a full stop or an apostrophe would be a request; \& is nothing, and keeps it text.
    private static string Line(string text) => (text.StartsWith('.') || text.StartsWith('\'') ? @"\&" : "") + text + "\n";

    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (var rune in text.ReplaceLineEndings(" ").EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '\\' => escaped.Append(@"\e"),
                '-' => escaped.Append(@"\-"),
                '\'' => escaped.Append(@"\(aq"),
                '…' => escaped.Append("..."),
                > 0x7e => escaped.Append(null, $@"\[u{rune.Value:X4}]"),
                _ => escaped.Append(rune),
            };
        }

        return escaped.ToString();
    }
}
