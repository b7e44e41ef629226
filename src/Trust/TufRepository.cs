using System.Text.Json;
using Gatehouse.Trust.Fetching;
using Gatehouse.Trust.Keeping;
using Gatehouse.Trust.Keys;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust;

/// <summary>
/// One TUF repository as this client sees it: fetches, has <see cref="TrustedMetadataSet"/> decide, keeps what is trusted. After any failure
/// the next <see cref="RefreshAsync"/> starts from a good state.
/// </summary>
/// <remarks>TUF 1.0.34, section 5. One task at a time uses an instance; several instances may be used side by side, each with a folder of its own.</remarks>
public sealed partial class TufRepository
{
    private readonly MetadataStore _store;
    private readonly ProofStore _proofs;
    private readonly Fetcher _fetcher;
    private readonly ITransport _transport;
    private readonly TimeProvider _clock;
    private readonly TrustLimits _limits;
    private TrustedMetadataSet? _current;
    private RoleLink? _topLevel;
    // On the monotonic clock: one set back by a second must not void a refresh, nor one set back by a year prolong it.
    private long _refreshedAt;
    private IReadOnlyList<TargetFile>? _listed;

    private TufRepository(string name, MetadataStore store, ITransport transport, TimeProvider clock, TrustLimits limits)
    {
        Name = name;
        _store = store;
        _transport = transport;
        _clock = clock;
        _limits = limits;
        _proofs = new ProofStore(store.Folder, limits);
        _fetcher = new Fetcher(transport, clock, limits);
    }

    /// <summary>The name given when it was opened. Appears in reasons and sentences, never in a path.</summary>
    public string Name { get; }

    internal MetadataStore Store => _store;

    /// <summary>Opens the repository whose trusted metadata is kept in a folder. Asks nothing of the network.</summary>
    /// <param name="name">What the owner calls it.</param>
    /// <param name="metadataFolder">Made where it is not there; nobody else may write to it.</param>
    /// <param name="trustedRoot">
    /// The root metadata that came with the product (5.2). Used where the folder has none, a damaged or an older one. May be null where
    /// the folder has one.
    /// </param>
    /// <param name="transport">Where files come from.</param>
    /// <param name="clock">Tells the start of each update, and measures waits.</param>
    /// <param name="limits">Null for <see cref="TrustLimits.Default"/>.</param>
    /// <exception cref="TrustException">There is no usable root (<see cref="TrustReason.NotReady"/>), or the folder cannot be used.</exception>
    public static TufRepository Open(
        string name, string metadataFolder, ReadOnlyMemory<byte>? trustedRoot, ITransport transport, TimeProvider clock, TrustLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(transport);
        ArgumentNullException.ThrowIfNull(clock);
        var repository = new TufRepository(name, new MetadataStore(metadataFolder), transport, clock, limits ?? TrustLimits.Default);
        repository._store.Recover();
        repository.ChooseRoot(trustedRoot);
        return repository;
    }

    /// <summary>True after a <see cref="RefreshAsync"/> that succeeded less than <see cref="TrustLimits.UpdateLifetime"/> ago.</summary>
    public bool IsFresh => _current is not null && _clock.GetElapsedTime(_refreshedAt) < _limits.UpdateLifetime;

    /// <summary>The takeover that this client went through, to be shown to the owner; null where the maker itself still signs.</summary>
    public Takeover? Takeover { get; private set; }

    /// <summary>What the top-level targets role itself lists, in the order of the paths. Empty before the first refresh.</summary>
    public IReadOnlyList<TargetFile> Targets => _listed ??= ListTopLevel();

    /// <summary>Brings the top-level metadata up to date (5.1 to 5.6). Throws when anything is wrong; then nothing can be looked up until it succeeds again.</summary>
    /// <exception cref="TrustException">With the reason and a sentence for the owner.</exception>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        for (var mirrors = (_transport as MirroredTransport)?.Count ?? 1; ; mirrors--)
        {
            try
            {
                await RefreshOnceAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (TrustException refused) when (mirrors > 1 && refused.Reason is not (TrustReason.Storage or TrustReason.NotReady))
            {
                ((MirroredTransport)_transport).Demote();
            }
        }
    }

    private async Task RefreshOnceAsync(CancellationToken cancellationToken)
    {
        _current = null;
        _listed = null;
        _refreshedAt = _clock.GetTimestamp();
        var set = Start();
        set = await UpdateRootAsync(set, cancellationToken).ConfigureAwait(false);
        await UpdateTimestampAsync(set, cancellationToken).ConfigureAwait(false);
        await UpdateSnapshotAsync(set, cancellationToken).ConfigureAwait(false);
        _topLevel = await LoadTargetsAsync(set, "root", "targets", set.Root.Roles["targets"], cancellationToken).ConfigureAwait(false);
        _current = set;
    }

    /// <summary>What the top-level targets role itself says of a path; null where it says nothing. Delegations are not searched: see <see cref="FindTargetAsync"/>.</summary>
    public TargetFile? FindTarget(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var set = Fresh();
        return Describe(set, path, [_topLevel!]);
    }

    /// <summary>Searches the top-level targets role and its delegations for a path, in their order (5.6.7). Null where no role that may speak for it lists it.</summary>
    /// <exception cref="TrustException">A role on the way could not be fetched or verified: the search ends there, because a later role must not speak in its place.</exception>
    public async Task<TargetFile?> FindTargetAsync(string path, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(path);
        return await new TargetSearch(this, Fresh(), path).RunAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Fetches an image, checks it while it arrives, and puts it into a folder under a name made from its path; one that is there already
    /// and equal is not fetched again. Its proof is kept in the metadata folder for <see cref="RestoreAsync"/>.
    /// </summary>
    /// <exception cref="TrustException">It is not the signed one, too large, not to be had, or the refresh that found it is too old.</exception>
    public Task<VerifiedImage> DownloadAsync(TargetFile target, string folder, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        return DownloadAsync(target, [target.Reason], folder, cancellationToken);
    }

    internal async Task<VerifiedImage> DownloadAsync(
        TargetFile target, IReadOnlyList<VerificationReason> reasons, string folder, CancellationToken cancellationToken)
    {
        var address = TargetPath.ToAddress(target.Entry, Fresh().Root.ConsistentSnapshot, _limits);
        if (target.Length > _limits.ImageBytes) throw new TrustException(TrustReason.TooLarge, $"{target.Path} is larger than {_limits.ImageBytes} bytes.");

        var path = Path.Combine(folder, TargetPath.ToFileName(target.Path));
        try
        {
            Directory.CreateDirectory(folder);
            using (var present = new ImageCheck(target.Entry))
            {
                if (await present.RunAsync(path, cancellationToken).ConfigureAwait(false)) return Kept(present);
            }

            using var check = new ImageCheck(target.Entry);
            await FetchImageAsync(target, address, path, check, cancellationToken).ConfigureAwait(false);
            return Kept(check);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new TrustException(TrustReason.Storage, $"{target.Path} cannot be written to {folder}: {failure.Message}", failure);
        }

        VerifiedImage Kept(ImageCheck check)
        {
            var image = new VerifiedImage(path, check, reasons, isRestored: false);
            _proofs.Keep(Name, target, image.Sha256);
            return image;
        }
    }

    private async Task FetchImageAsync(TargetFile target, string address, string path, ImageCheck check, CancellationToken cancellationToken)
    {
        var part = path + ".part";
        try
        {
            using (var file = File.OpenHandle(part, FileMode.Create, FileAccess.Write, FileShare.None, preallocationSize: target.Length))
            {
                await _fetcher.FetchTargetAsync(address, target.Length, (piece, stop) => Take(file, piece, stop), cancellationToken).ConfigureAwait(false);
                if (!check.Finish()) throw new TrustException(TrustReason.HashMismatch, $"What the mirror sent as {target.Path} is not the signed image.");

                RandomAccess.FlushToDisk(file);
            }

            File.Move(part, path, overwrite: true);
        }
        finally
        {
            // Nothing unverified stays behind. After the move there is nothing to delete.
            File.Delete(part);
        }

        async ValueTask Take(Microsoft.Win32.SafeHandles.SafeFileHandle file, ReadOnlyMemory<byte> piece, CancellationToken stop)
        {
            var at = check.Length;
            check.Append(piece.Span);
            try
            {
                await RandomAccess.WriteAsync(file, piece, at, stop).ConfigureAwait(false);
            }
            catch (IOException failure)
            {
                throw new TrustException(TrustReason.Storage, $"{target.Path} cannot be written: {failure.Message}", failure);
            }
        }
    }

    private void ChooseRoot(ReadOnlyMemory<byte>? given)
    {
        var kept = _store.Load("root");
        var keptSet = Try(kept, out _);
        var givenSet = Try(given, out var refusal);
        if (given is not null && givenSet is null) throw new TrustException(refusal!);
        if (keptSet is not null && (givenSet is null || givenSet.Root.Version <= keptSet.Root.Version))
        {
            if (_store.LoadRootVersion(keptSet.Root.Version) is null) _store.KeepRootVersion(kept!, keptSet.Root.Version);
            return;
        }

        if (givenSet is null) throw new TrustException(TrustReason.NotReady, $"There is no usable root metadata for {Name}.");

        _store.KeepRoot(given!.Value, givenSet.Root.Version, voidsOnlineFiles: false);

        TrustedMetadataSet? Try(ReadOnlyMemory<byte>? root, out Refusal? fault)
        {
            fault = null;
            if (root is null) return null;

            fault = TrustedMetadataSet.TryStart(root.Value, _clock.GetUtcNow(), _limits, out var set);
            return set;
        }
    }

    private TrustedMetadataSet Start()
    {
        var root = _store.Load("root") ?? throw new TrustException(TrustReason.NotReady, $"There is no root metadata for {Name}.");
        var memory = TakeoverMemory.Load(_store);
        var refusal = TrustedMetadataSet.TryStart(root, _clock.GetUtcNow(), _limits, out var set, memory?.Floor);
        if (set is null) throw new TrustException(refusal!);
        if (memory is not null && memory.Takeover.FromRootVersion < set.Root.Version)
        {
            set.Resume(memory.RetiredKeys);
            Takeover = memory.Takeover;
        }

        return set;
    }

    private async Task<TrustedMetadataSet> UpdateRootAsync(TrustedMetadataSet set, CancellationToken cancellationToken)
    {
        for (var rotations = 0; rotations < _limits.RootRotations; rotations++)
        {
            var before = set.Root;
            var bytes = await _fetcher.FetchMetadataAsync($"{before.Version + 1}.root.json", _limits.RootBytes, null, cancellationToken).ConfigureAwait(false);
            if (bytes is null) break;

            var verdict = set.UpdateRoot(bytes.Value);
            if (verdict.Refusal?.Reason == TrustReason.NotSigned && before.Succession is not null)
            {
                set = await TakeOverAsync(set, bytes.Value, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                Demand(verdict);
            }

            _store.KeepRoot(bytes.Value, set.Root.Version, voidsOnlineFiles: IsRotated("timestamp") || IsRotated("snapshot"));

            // 5.3.11, at every step: keys rotated away and back again have been rotated.
            bool IsRotated(string role) => before.Roles[role].Identity != set.Root.Roles[role].Identity;
        }

        return set.CheckRootDate() is { } expired ? throw new TrustException(expired) : set;
    }

    private async Task UpdateTimestampAsync(TrustedMetadataSet set, CancellationToken cancellationToken)
    {
        // What was kept may be damaged, expired or signed by old keys; it is only here to guard against rollback.
        if (_store.Load("timestamp") is { } kept) set.UpdateTimestamp(kept);

        var bytes = await FetchAsync("timestamp.json", _limits.TimestampBytes, null, cancellationToken).ConfigureAwait(false);
        if (Demand(set.UpdateTimestamp(bytes)) == Outcome.Trusted) _store.Keep("timestamp", bytes);
    }

    private async Task UpdateSnapshotAsync(TrustedMetadataSet set, CancellationToken cancellationToken)
    {
        if (_store.Load("snapshot") is { } kept && set.LoadKeptSnapshot(kept).Outcome == Outcome.Trusted) return;

        var meta = set.Timestamp!.Snapshot;
        var bytes = await FetchAsync(FileName(set, "snapshot", meta.Version), _limits.SnapshotBytes, meta.Length, cancellationToken).ConfigureAwait(false);
        Demand(set.UpdateSnapshot(bytes));
        _store.Keep("snapshot", bytes);
    }

    /// <summary>5.6 for one targets role: from memory, else from the folder, else from the repository; verified with these keys each time.</summary>
    private async Task<RoleLink> LoadTargetsAsync(
        TrustedMetadataSet set, string delegator, string role, RoleKeys keys, CancellationToken cancellationToken)
    {
        (keys, var rotations) = await FollowRotationsAsync(set, role, keys, cancellationToken).ConfigureAwait(false);
        if (set.Verified(delegator, role, keys) is { } known) return new RoleLink(delegator, known, keys, rotations);
        if (_store.Load(role) is { } kept && set.UpdateTargets(kept, delegator, role, keys, out var good).Outcome == Outcome.Trusted)
        {
            return new RoleLink(delegator, good!, keys, rotations);
        }

        if (!set.Snapshot!.Files.TryGetValue(role + ".json", out var meta))
        {
            throw new TrustException(TrustReason.NotInSnapshot, $"The snapshot does not list the {role} metadata.");
        }

        var bytes = await FetchAsync(FileName(set, role, meta.Version), _limits.TargetsBytes, meta.Length, cancellationToken).ConfigureAwait(false);
        Demand(set.UpdateTargets(bytes, delegator, role, keys, out var verified));
        _store.Keep(role, bytes);
        return new RoleLink(delegator, verified!, keys, rotations);
    }

    /// <summary>TAP 8: from the keys that the delegator names to those the role itself has rotated to since. Most roles have none, and then nothing is asked.</summary>
    private async Task<(RoleKeys Keys, IReadOnlyList<ReadOnlyMemory<byte>> Rotations)> FollowRotationsAsync(
        TrustedMetadataSet set, string role, RoleKeys keys, CancellationToken cancellationToken)
    {
        var rotations = new List<ReadOnlyMemory<byte>>();
        ReadOnlyMemory<byte>? previous = null;
        var previousName = "";
        for (var steps = 0; steps < _limits.RoleRotations; steps++)
        {
            var name = Rotation.NameFor(role, keys, previous);
            if (!set.Snapshot!.Files.TryGetValue(name + ".json", out var meta)) return (keys, rotations);

            ReadOnlyMemory<byte>? bytes = _store.Load(name) is { } kept ? kept : null;
            if (bytes is null || set.UpdateRotation(bytes.Value, name, role, previousName, keys, out var next).Refusal is { Reason: not TrustReason.Revoked })
            {
                bytes = await FetchAsync(FileName(set, name, meta.Version), _limits.RootBytes, meta.Length, cancellationToken).ConfigureAwait(false);
            }

            Demand(set.UpdateRotation(bytes.Value, name, role, previousName, keys, out next));
            _store.Keep(name, bytes.Value);
            rotations.Add(bytes.Value);
            (keys, previous, previousName) = (next!, bytes, name);
        }

        throw new TrustException(TrustReason.TooLarge, $"The role {role} has rotated its keys more than {_limits.RoleRotations} times.");
    }

    private async Task<ReadOnlyMemory<byte>> FetchAsync(string fileName, int maxBytes, long? announced, CancellationToken cancellationToken)
    {
        if (announced > maxBytes) throw new TrustException(TrustReason.TooLarge, $"{fileName} is announced with {announced} bytes; at most {maxBytes} are taken.");

        var most = (int)(announced ?? maxBytes);
        return await _fetcher.FetchMetadataAsync(fileName, most, (int?)announced, cancellationToken).ConfigureAwait(false)
            ?? throw new TrustException(TrustReason.Unavailable, $"The repository {Name} does not have {fileName}.");
    }

    private static string FileName(TrustedMetadataSet set, string role, long version) =>
        set.Root.ConsistentSnapshot ? $"{version}.{RoleName.Encode(role)}.json" : $"{RoleName.Encode(role)}.json";

    private static Outcome Demand(Verdict verdict) => verdict.Refusal is { } refusal ? throw new TrustException(refusal) : verdict.Outcome;

    private TrustedMetadataSet Fresh() => IsFresh
        ? _current!
        : throw new TrustException(TrustReason.NotReady, $"{Name} must be refreshed first.");

    private List<TargetFile> ListTopLevel()
    {
        if (_current is not { } set || _topLevel is not { Targets: var targets }) return [];

        var list = new List<TargetFile>(targets.Count);
        for (var i = 0; i < targets.Count; i++) list.Add(Describe(set, targets.EntryAt(i), [_topLevel!]));
        return list;
    }

    private TargetFile? Describe(TrustedMetadataSet set, string path, IReadOnlyList<RoleLink> chain)
    {
        try
        {
            return chain[^1].Targets.Find(path) is { } entry ? Describe(set, entry, chain) : null;
        }
        catch (JsonException bad)
        {
            throw new TrustException(TrustReason.Malformed, $"The entry of a target in the {chain[^1].Targets.Role} metadata is damaged: {bad.Message}", bad);
        }
    }

    private TargetFile Describe(TrustedMetadataSet set, TargetEntry entry, IReadOnlyList<RoleLink> chain)
    {
        var roles = new List<RoleReason> { Reason("timestamp", set.Timestamp!, set.Root.Roles["timestamp"]), Reason("snapshot", set.Snapshot!, set.Root.Roles["snapshot"]) };
        roles.AddRange(chain.Select(link => Reason(link.Targets.Role, link.Targets, link.Keys)));
        return new TargetFile(entry, new VerificationReason(Name, entry.Path, set.Root.Version, roles), chain);
    }

    private static RoleReason Reason(string role, RoleMetadata metadata, RoleKeys keys) =>
        new(role, metadata.Version, metadata.Expires, keys.Threshold, metadata.Signers);
}
