using Gatehouse.Trust.Keeping;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust;

public sealed partial class TufRepository
{
    /// <summary>
    /// A root was served that the maker's keys did not sign, and the maker had named a successor: looks for the successor's statement and
    /// goes over, or refuses. Without a statement nothing happens, however long the mirror is blocked and whatever the clock says.
    /// </summary>
    /// <returns>A set that starts from the successor's root and knows what must never come back.</returns>
    private async Task<TrustedMetadataSet> TakeOverAsync(TrustedMetadataSet set, ReadOnlyMemory<byte> newRoot, CancellationToken cancellationToken)
    {
        var maker = set.Root;
        var statement = await _fetcher.FetchMetadataAsync($"{maker.Version + 1}.takeover.json", _limits.RootBytes, null, cancellationToken).ConfigureAwait(false)
            ?? throw new TrustException(TrustReason.NotSigned, "The new root metadata is not signed by the maker, and no successor has declared a takeover.");
        var served = await _fetcher.FetchMetadataAsync("timestamp.json", _limits.TimestampBytes, null, cancellationToken).ConfigureAwait(false);
        Demand(set.TakeOver(statement, newRoot, _store.Load("timestamp"), served, out var takeover));

        // Before the new root is kept: after a crash here the takeover is simply gone through again, with the same floor.
        var memory = new TakeoverMemory(takeover!, set.RetiredKeys, LastTrustedVersions(maker));
        memory.Keep(_store);
        _store.KeepTakeover(statement, takeover!.FromRootVersion);
        Takeover = takeover;

        if (TrustedMetadataSet.TryStart(newRoot, set.Start, _limits, out var next, memory.Floor) is { } refusal) throw new TrustException(refusal);
        next!.Resume(memory.RetiredKeys);
        return next;
    }

    /// <summary>The targets versions that the maker's last snapshot here named. Only forward: the successor may not offer older ones.</summary>
    private Dictionary<string, long> LastTrustedVersions(Root maker)
    {
        var floor = new Dictionary<string, long>(TakeoverMemory.Load(_store)?.Floor ?? new Dictionary<string, long>(), StringComparer.Ordinal);
        if (_store.Load("snapshot") is not { } kept || TrustedMetadataSet.ReadKeptSnapshot(kept, maker, _limits) is not { } snapshot) return floor;

        foreach (var (name, meta) in snapshot.Files) floor[name] = Math.Max(meta.Version, floor.GetValueOrDefault(name));
        return floor;
    }
}
