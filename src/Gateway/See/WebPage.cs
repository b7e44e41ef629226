using System.Collections.Immutable;
using System.Text;
using System.Xml;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>What a device's web server showed.</summary>
internal static class WebPage
{
    public static ImmutableArray<Observation> Observe(byte[] answer)
    {
        if (!HttpHead.TryParse(answer, out var head) || !head.IsResponse) return [];
        var seen = HttpGreeting.OfResponse(head);
        return TitleOf(Text(answer, head)) is { } title ? seen.Add(Sighting.Observe(EvidenceSource.HttpTitle, title)) : seen;
    }

    /// <summary>The body of a successful answer, or null.</summary>
    public static string? BodyOf(byte[] answer) => HttpHead.TryParse(answer, out var head) && head.Status == 200 ? Text(answer, head) : null;

    private static string Text(byte[] answer, HttpHead head) => Encoding.UTF8.GetString(answer.AsSpan(head.Length));

    private static string? TitleOf(string page)
    {
        var tag = page.IndexOf("<title", StringComparison.OrdinalIgnoreCase);
        var start = tag < 0 ? -1 : page.IndexOf('>', tag);
        var end = start < 0 ? -1 : page.IndexOf("</title", start, StringComparison.OrdinalIgnoreCase);
        return end < 0 ? null : WebUtilityText(page[(start + 1)..end]);
    }

    private static string? WebUtilityText(string title) => System.Net.WebUtility.HtmlDecode(title).Trim() is { Length: > 0 } text ? text : null;
}

/// <summary>A UPnP device description (UPnP Device Architecture 2.0, 2.3): maker and model in the device's own words.</summary>
internal static class UpnpDescription
{
    private static readonly ImmutableDictionary<string, string> _places = ImmutableDictionary.CreateRange(new KeyValuePair<string, string>[]
    {
        new("manufacturer", EvidenceSource.UpnpManufacturer), new("modelName", EvidenceSource.UpnpModel),
        new("modelNumber", EvidenceSource.UpnpModelNumber), new("deviceType", EvidenceSource.UpnpDeviceType),
    });

    /// <summary>The root device's texts; those of devices within it come later and are left out. Bad XML gives what came before its fault.</summary>
    public static ImmutableArray<Observation> Observe(string xml)
    {
        var seen = new Dictionary<string, Observation>();
        // No document type: entities that grow without end, and files of ours quoted into an answer, both begin with one.
        using var reader = XmlReader.Create(new StringReader(xml), new() { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, IgnoreComments = true });
        try
        {
            while (reader.Read())
            {
                if (reader.NodeType != XmlNodeType.Element || reader.Depth > 3 || !_places.TryGetValue(reader.LocalName, out var place) || seen.ContainsKey(place)) continue;
                if (reader.Read() && reader.NodeType == XmlNodeType.Text) seen.Add(place, Sighting.Observe(place, reader.Value));
            }
        }
        catch (XmlException)
        {
        }

        return [.. seen.Values];
    }
}
