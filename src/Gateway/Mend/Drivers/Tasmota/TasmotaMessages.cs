using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gatehouse.Mend.Drivers.Tasmota;

/// <summary>The answers of Tasmota's web interface that an update needs.</summary>
internal static partial class TasmotaMessages
{
    /// <summary><c>Status 2</c>: <c>{"StatusFWR":{"Version":"12.1.1(tasmota)", …}}</c>. What is in brackets names the build, not the version.</summary>
    /// <remarks>Tasmota documentation, Commands, Status 2.</remarks>
    public static bool TryReadVersion(ReadOnlyMemory<byte> answer, [NotNullWhen(true)] out FirmwareVersion? version)
    {
        version = null;
        return TryParse(answer, out var document)
            && TryGet(document.RootElement, "StatusFWR", out var firmware)
            && TryGet(firmware, "Version", out var text)
            && TryGetText(text, out var said)
            && FirmwareVersion.TryParse(said.Split('(')[0], out version);
    }

    /// <summary>An answer instead of the one asked for, where the device wants its web password first: <c>{"WARNING":"Need user=…"}</c>.</summary>
    public static bool IsWishForPassword(DeviceAnswer answer) =>
        answer.Status == 401 || (TryParse(answer.Body, out var document) && TryGet(document.RootElement, "WARNING", out _));

    /// <summary>What the page after an upload says, without its markup. It is in the device's language, so it is only shown.</summary>
    /// <remarks>HandleUploadDone in xdrv_01_9_webserver.ino: a bold line, then the reason, before the first button.</remarks>
    public static string? ReadRemark(string page)
    {
        var from = page.IndexOf("<b>", StringComparison.OrdinalIgnoreCase);
        if (from < 0) return null;
        var to = page.IndexOf("</div>", from, StringComparison.OrdinalIgnoreCase);
        var text = Markup().Replace(page[from..(to < 0 ? page.Length : to)], " ").Trim();
        return text.Length == 0 ? null : DeviceText.Quote(text);
    }

    private static bool TryParse(ReadOnlyMemory<byte> json, [NotNullWhen(true)] out JsonDocument? document)
    {
        document = null;
        try
        {
            document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryGet(JsonElement element, string name, out JsonElement value)
    {
        value = default;
        return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out value);
    }

    private static bool TryGetText(JsonElement element, [NotNullWhen(true)] out string? text)
    {
        text = null;
        try
        {
            if (element.ValueKind == JsonValueKind.String) text = element.GetString();
        }
        catch (InvalidOperationException)
        {
            // Bytes that are no UTF-8, or half a surrogate pair: the parser looks at a text only when it is asked for, and has no other way to say so.
        }

        return text is not null;
    }

    [GeneratedRegex(@"(<[^>]*>|\s)+", RegexOptions.NonBacktracking)]
    private static partial Regex Markup();
}
