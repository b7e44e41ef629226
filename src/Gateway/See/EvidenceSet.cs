using Gatehouse.Packs;

namespace Gatehouse.See;

/// <summary>What is known of one device: distinct observations, the newest first. Bounded: a device can repeat itself for ever, and say something new each time.</summary>
public sealed class EvidenceSet
{
    /// <summary>Observations kept of one source; beyond it the one not seen for longest goes.</summary>
    public const int MaxPerSource = 64;

    /// <summary>DNS names kept; a computer asks for thousands, and how many is itself a sign.</summary>
    public const int MaxNames = 256;

    /// <summary>Sources kept: each key of a TXT record is one; beyond it new ones are dropped.</summary>
    public const int MaxSources = 128;

    private readonly Dictionary<EvidenceSource, Dictionary<string, Entry>> _bySource = [];
    private long _order;

    /// <summary>When the last round of questions was answered or timed out, or null: only then does silence mean anything.</summary>
    public DateTimeOffset? AskedAt { get; private set; }

    public int Count => _bySource.Values.Sum(entries => entries.Count);

    /// <summary>Takes a sighting in.</summary>
    /// <returns>True when it says something new.</returns>
    public bool Add(Sighting sighting)
    {
        var isNew = sighting.Origin == SightingOrigin.Asked && BeginRound(sighting);
        foreach (var observation in sighting.Observations) isNew |= Keep(observation, sighting);
        return isNew;
    }

    /// <summary>Forgets what firmware says of itself: an update is about to change it, and the old version must not be taken for the new one's.</summary>
    public void ForgetFirmware()
    {
        foreach (var (source, _) in _bySource)
        {
            if (TellsFirmware(source)) _bySource.Remove(source);
        }
    }

    /// <summary>What was read at a place, whatever the key; within a source what was seen last comes first.</summary>
    public IEnumerable<string> At(string place) => _bySource.Where(source => source.Key.Place == place).SelectMany(source => InOrder(source.Value));

    /// <summary>What was read at a source, what was seen last first: of two versions the newer is true.</summary>
    public IEnumerable<string> At(EvidenceSource source) => _bySource.TryGetValue(source, out var entries) ? InOrder(entries) : [];

    private static IEnumerable<string> InOrder(Dictionary<string, Entry> entries) => entries.OrderByDescending(entry => entry.Value.Order).Select(entry => entry.Key);

    // A device that was updated, or whose service was closed, must not be judged by what it answered before.
    private bool BeginRound(Sighting sighting)
    {
        var isNew = AskedAt is null;
        AskedAt = sighting.At;
        foreach (var (source, entries) in _bySource)
        {
            foreach (var (text, entry) in entries)
            {
                if (entry.Origin == SightingOrigin.Asked && !sighting.Observations.Contains(new(source, text))) isNew |= entries.Remove(text);
            }
        }

        return isNew;
    }

    private bool Keep(Observation observation, Sighting sighting)
    {
        if (observation.Text.Length == 0) return false;
        if (!_bySource.TryGetValue(observation.Source, out var entries))
        {
            if (_bySource.Count >= MaxSources) return false;
            _bySource.Add(observation.Source, entries = []);
        }

        _order++;
        if (entries.TryGetValue(observation.Text, out var known))
        {
            // A version that comes back (a roll-back) is news although it was seen before.
            var isBack = TellsFirmware(observation.Source) && entries.Values.Any(other => other.Order > known.Order);
            entries[observation.Text] = known with { Order = _order };
            return isBack;
        }

        if (entries.Count >= MostOf(observation.Source)) entries.Remove(entries.MinBy(entry => entry.Value.Order).Key);
        entries.Add(observation.Text, new(_order, sighting.Origin));
        return true;
    }

    private static bool TellsFirmware(EvidenceSource source) => source.Place is EvidenceSource.HttpServer or EvidenceSource.HttpTitle or EvidenceSource.HttpRealm or EvidenceSource.HttpBody
        or EvidenceSource.HttpUserAgent or EvidenceSource.MdnsTxt or EvidenceSource.SsdpServer or EvidenceSource.TelnetBanner or EvidenceSource.RtspServer or EvidenceSource.UpnpModelNumber;

    // A device has one name, one vendor class and one version at a time: the newest is the true one.
    private static int MostOf(EvidenceSource source) => source.Place switch
    {
        EvidenceSource.DhcpHostName or EvidenceSource.DhcpVendorClass or EvidenceSource.DhcpParameterList or EvidenceSource.DhcpUserClass
            or EvidenceSource.DhcpMudUrl or EvidenceSource.MdnsTxt or EvidenceSource.HttpBody => 1,
        EvidenceSource.DnsName => MaxNames,
        _ => MaxPerSource,
    };

    private readonly record struct Entry(long Order, SightingOrigin Origin);
}
