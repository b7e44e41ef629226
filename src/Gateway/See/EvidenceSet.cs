using System.Collections.Immutable;
using Gatehouse.Packs;

namespace Gatehouse.See;

/// <summary>What is known of one device: distinct observations, each with when it was made. Bounded: a device can repeat itself for ever, and say something new each time.</summary>
public sealed class EvidenceSet
{
    /// <summary>Observations kept of one place; beyond it the one not seen for longest goes.</summary>
    public const int MaxPerPlace = 64;

    /// <summary>DNS names kept; a computer asks for thousands, and how many is itself a sign.</summary>
    public const int MaxNames = 256;

    /// <summary>Observations kept of all places together (TXT keys are places of their own); beyond it new ones are dropped.</summary>
    public const int MaxObservations = 1024;

    private readonly Dictionary<Observation, Entry> _entries = [];

    /// <summary>When the last round of questions was answered or timed out, or null: only then does silence mean anything.</summary>
    public DateTimeOffset? AskedAt { get; private set; }

    public DateTimeOffset? FirstSeen { get; private set; }

    public int Count => _entries.Count;

    /// <summary>Takes a sighting in.</summary>
    /// <returns>True when it says something new.</returns>
    public bool Add(Sighting sighting)
    {
        FirstSeen ??= sighting.At;
        var before = _entries.Count;
        var forgot = sighting.Origin == SightingOrigin.Asked && BeginRound(sighting);
        foreach (var observation in sighting.Observations) Keep(observation, sighting);
        return forgot || _entries.Count != before;
    }

    /// <summary>What was read at a place, oldest first.</summary>
    public IEnumerable<string> At(string place) => At(observation => observation.Source.Place == place);

    /// <summary>What was read at a source.</summary>
    public IEnumerable<string> At(EvidenceSource source) => At(observation => observation.Source == source);

    /// <summary>How a text came to be known.</summary>
    public bool WasAsked(Observation observation) => _entries.TryGetValue(observation, out var entry) && entry.Origin == SightingOrigin.Asked;

    private IEnumerable<string> At(Func<Observation, bool> where) =>
        _entries.Where(entry => where(entry.Key)).OrderBy(entry => entry.Value.First).Select(entry => entry.Key.Text);

    // A device that was updated, or whose service was closed, must not be judged by what it answered before.
    private bool BeginRound(Sighting sighting)
    {
        AskedAt = sighting.At;
        var gone = _entries.Where(entry => entry.Value.Origin == SightingOrigin.Asked && !sighting.Observations.Contains(entry.Key)).Select(entry => entry.Key).ToList();
        foreach (var observation in gone) _entries.Remove(observation);
        return true;
    }

    private void Keep(Observation observation, Sighting sighting)
    {
        if (observation.Text.Length == 0) return;
        if (_entries.TryGetValue(observation, out var known))
        {
            _entries[observation] = known with { Last = sighting.At };
            return;
        }

        MakeRoom(observation.Source);
        if (_entries.Count < MaxObservations) _entries.Add(observation, new(sighting.At, sighting.At, sighting.Origin));
    }

    private void MakeRoom(EvidenceSource source)
    {
        var most = IsSingle(source) ? 1 : source.Place == EvidenceSource.DnsName ? MaxNames : MaxPerPlace;
        var same = _entries.Where(entry => entry.Key.Source == source).ToImmutableArray();
        if (same.Length >= most) _entries.Remove(same.MinBy(entry => entry.Value.Last).Key);
    }

    // A device has one name, one vendor class and one version at a time: the newest is the true one.
    private static bool IsSingle(EvidenceSource source) => source.Place is EvidenceSource.DhcpHostName or EvidenceSource.DhcpVendorClass
        or EvidenceSource.DhcpParameterList or EvidenceSource.DhcpUserClass or EvidenceSource.DhcpMudUrl or EvidenceSource.MdnsTxt or EvidenceSource.HttpBody;

    private readonly record struct Entry(DateTimeOffset First, DateTimeOffset Last, SightingOrigin Origin);
}
