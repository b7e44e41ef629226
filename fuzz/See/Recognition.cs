using Gatehouse.Packs;
using Gatehouse.See;
using Gatehouse.Wire;

namespace Gatehouse.Fuzz.See;

/// <summary>From a frame to a conclusion, with one device's evidence kept for the whole run: what one frame left behind meets the next.</summary>
internal static class Recognition
{
    private static readonly Recogniser Recogniser = new(PackLibrary.Empty, MacVendors.BuiltIn);
    private static readonly EvidenceSet Evidence = new();
    private static long _time = 1_700_000_000_000_000_000;
    private static SightingReader _reader = new(null, []);

    public static void Run(ReadOnlySpan<byte> input)
    {
        _time += 1_000_000_000;
        if (_time % 1_000_000_000_000 == 0) _reader = new(null, []);
        _reader.Take(new Frame { Bytes = input, OriginalLength = input.Length, TimestampNanoseconds = _time, Link = LinkType.Ethernet });
        while (_reader.Greetings.TryRead(out var greeting))
        {
            if (greeting.Read() is { } sighting) Take(greeting.Mac, sighting);
            greeting.Return();
        }
    }

    public static void ReadPage(ReadOnlySpan<byte> input)
    {
        var bytes = input.ToArray();
        Check(Sighting.Of(default, default, [.. WebPage.Observe(bytes), .. UpnpDescription.Observe(WebPage.BodyOf(bytes) ?? "")]));
    }

    private static void Take(MacAddress mac, Sighting sighting)
    {
        Check(sighting);
        if (!Evidence.Add(sighting)) return;
        if (Evidence.Count > EvidenceSet.MaxSources * EvidenceSet.MaxPerSource + EvidenceSet.MaxNames) throw new InvalidOperationException("evidence grows without end");
        if (Recogniser.Conclude(mac, Evidence, null).Identity.ClassEvidence.Any(evidence => evidence.Text.Length > EvidenceText.MaxShown)) throw new InvalidOperationException("a text is longer than promised");
    }

    private static void Check(Sighting sighting)
    {
        if (sighting.Observations.Any(observation => observation.Text.Length > EvidenceText.MaxLength || observation.Text.Any(char.IsControl)))
            throw new InvalidOperationException("a text was let through as it came");
    }
}
