namespace Gatehouse.Mend.Drivers;

/// <summary>Makes a device's own text fit to be shown: one line, printable ASCII, at most 120 characters, in quotes.</summary>
public static class DeviceText
{
    private const int MaxLength = 120;

    public static string Quote(ReadOnlySpan<char> text)
    {
        var shown = text[..Math.Min(text.Length, MaxLength)].ToArray();
        for (var i = 0; i < shown.Length; i++)
        {
            if (shown[i] is < ' ' or > '~' or '"') shown[i] = '?';
        }

        return $"\"{new string(shown)}\"{(text.Length > MaxLength ? "…" : "")}";
    }
}
