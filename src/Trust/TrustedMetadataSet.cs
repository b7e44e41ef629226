using System.Text.Json;
using Gatehouse.Trust.Keys;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust;

/// <summary>What became of bytes that were offered to a <see cref="TrustedMetadataSet"/>.</summary>
internal enum Outcome
{
    /// <summary>They are now trusted, and should be kept.</summary>
    Trusted,

    /// <summary>They say nothing new; what was trusted before stays (5.4.3.1).</summary>
    Unchanged,

    /// <summary>They are not trusted.</summary>
    Refused,
}

internal readonly record struct Verdict(Outcome Outcome, Refusal? Refusal)
{
    public static readonly Verdict Trusted = new(Outcome.Trusted, null);
    public static readonly Verdict Unchanged = new(Outcome.Unchanged, null);

    public static implicit operator Verdict(Refusal? refusal) => refusal is null ? Trusted : new Verdict(Outcome.Refused, refusal);
}

/// <summary>
/// Decides, file by file and in the order of the client workflow (5.3 to 5.6), what is trusted. Does no I/O and has no clock: the update's
/// start is given once (5.1). Whoever fetches and keeps the files around it cannot make it trust more.
/// </summary>
internal sealed partial class TrustedMetadataSet
{
    private readonly TrustLimits _limits;
    private readonly DateTimeOffset _start;
    // By delegator, role and keys: the same role under other keys is another claim, and is verified anew.
    private readonly Dictionary<(string Delegator, string Role, string Keys), Targets> _targets = [];

    private TrustedMetadataSet(Root root, DateTimeOffset start, TrustLimits limits)
    {
        Root = root;
        _start = start;
        _limits = limits;
    }

    public Root Root { get; private set; }

    public Timestamp? Timestamp { get; private set; }

    public Snapshot? Snapshot { get; private set; }

    public DateTimeOffset Start => _start;

    public IEnumerable<Targets> VerifiedTargets => _targets.Values;

    /// <summary>5.2: starts from a root that is trusted already. Its own signatures are checked against damage, not against an enemy; its date does not matter yet.</summary>
    public static Refusal? TryStart(
        ReadOnlyMemory<byte> trustedRoot, DateTimeOffset start, TrustLimits limits, out TrustedMetadataSet? set, IReadOnlyDictionary<string, long>? floor = null)
    {
        set = null;
        var refusal = TryDecode(trustedRoot, "root", limits, limits.RootBytes, f => new Root(f, limits), out var root)
            ?? Verify(root!, root!.Roles["root"], "root");
        if (refusal is not null) return refusal;

        set = new TrustedMetadataSet(root!, start, limits) { Floor = floor ?? new Dictionary<string, long>() };
        return null;
    }

    /// <summary>5.3.4 to 5.3.7: the next root must be signed by the present one's keys and by its own.</summary>
    public Verdict UpdateRoot(ReadOnlyMemory<byte> bytes)
    {
        if (TryDecode(bytes, "root", _limits, _limits.RootBytes, f => new Root(f, _limits), out var next) is { } bad) return bad;

        var refusal = Root.Roles["root"].Verify(next!.File, "new root (by the present root's keys)", out _)
            ?? Verify(next, next.Roles["root"], "new root (by its own keys)");
        if (refusal is not null) return refusal;
        if (next.Version != Root.Version + 1)
        {
            return new Refusal(TrustReason.WrongVersion, $"The root metadata offered as version {Root.Version + 1} says it is version {next.Version}.");
        }

        if (NamesRetired(next, RetiredKeys)) return new Refusal(TrustReason.Takeover, "The new root names an online key of a maker that was succeeded.");

        Root = next;
        return Verdict.Trusted;
    }

    /// <summary>5.3.10: the newest root must be valid at the update's start.</summary>
    public Refusal? CheckRootDate() => Expired(Root, "root");

    /// <summary>5.4.2 to 5.4.4. A timestamp past its date is not trusted, yet still guards against rollback.</summary>
    public Verdict UpdateTimestamp(ReadOnlyMemory<byte> bytes)
    {
        var refusal = TryDecode(bytes, "timestamp", _limits, _limits.TimestampBytes, f => new Timestamp(f, _limits), out var next)
            ?? Verify(next!, Root.Roles["timestamp"], "timestamp");
        if (refusal is not null) return refusal;

        if (Timestamp is { } trusted)
        {
            if (next!.Version < trusted.Version) return Older("timestamp", trusted.Version, next.Version);
            if (next.Version == trusted.Version) return Verdict.Unchanged;
            if (next.Snapshot.Version < trusted.Snapshot.Version) return Older("snapshot", trusted.Snapshot.Version, next.Snapshot.Version);
        }

        Timestamp = next;
        return Expired(next!, "timestamp");
    }

    /// <summary>5.5.2 to 5.5.6, for a snapshot just served.</summary>
    public Verdict UpdateSnapshot(ReadOnlyMemory<byte> bytes)
    {
        if (TimestampFault() is { } fault) return fault;
        if (Timestamp!.Snapshot.Check(bytes.Span, "snapshot") is { } mismatch) return mismatch;

        return AcceptSnapshot(bytes);
    }

    /// <summary>
    /// The same for the snapshot kept from an earlier update. Its hash is not compared: an older one than the timestamp names is expected,
    /// and serves the rollback check of the one to come.
    /// </summary>
    public Verdict LoadKeptSnapshot(ReadOnlyMemory<byte> bytes) => TimestampFault() is { } fault ? fault : AcceptSnapshot(bytes);

    /// <summary>5.6.2 to 5.6.5 for the top-level targets role.</summary>
    public Verdict UpdateTargets(ReadOnlyMemory<byte> bytes) => UpdateTargets(bytes, "root", "targets", Root.Roles["targets"], out _);

    /// <summary>The same for a role that <paramref name="delegator"/> delegates to, with the keys of that delegation.</summary>
    public Verdict UpdateTargets(ReadOnlyMemory<byte> bytes, string delegator, string role, RoleKeys keys, out Targets? verified)
    {
        verified = null;
        if (SnapshotFault() is { } fault) return fault;
        if (!Snapshot!.Files.TryGetValue(role + ".json", out var meta))
        {
            return new Refusal(TrustReason.NotInSnapshot, $"The snapshot does not list the {role} metadata.");
        }

        var refusal = meta.Check(bytes.Span, role)
            ?? TryDecode(bytes, role, _limits, _limits.TargetsBytes, f => new Targets(f, role, _limits), out verified)
            ?? Verify(verified!, keys, role);
        if (refusal is null && verified!.Version != meta.Version)
        {
            refusal = new Refusal(TrustReason.WrongVersion, $"The {role} metadata is version {verified.Version}; the snapshot says {meta.Version}.");
        }

        refusal ??= Expired(verified!, role);
        if (refusal is not null)
        {
            verified = null;
            return refusal;
        }

        _targets[(delegator, role, keys.Identity)] = verified!;
        return Verdict.Trusted;
    }

    /// <summary>TAP 8: the next step of a role's own key rotation, signed by a threshold of the keys before it.</summary>
    /// <param name="name">The name under which the snapshot lists it.</param>
    /// <param name="previous">The name of the rotation before it; empty for the first.</param>
    public Verdict UpdateRotation(ReadOnlyMemory<byte> bytes, string name, string role, string previous, RoleKeys keys, out RoleKeys? next)
    {
        next = null;
        if (SnapshotFault() is { } fault) return fault;
        if (!Snapshot!.Files.TryGetValue(name + ".json", out var meta)) return new Refusal(TrustReason.NotInSnapshot, $"The snapshot does not list {name}.");
        if (meta.Check(bytes.Span, name) is { } mismatch) return mismatch;
        if (bytes.Length > _limits.RootBytes) return new Refusal(TrustReason.TooLarge, $"The key rotation of {role} is larger than {_limits.RootBytes} bytes.");
        return VerifyRotation(bytes, role, previous, keys, _limits, out next);
    }

    /// <summary>The same without a snapshot, for the proof kept of an image.</summary>
    public static Refusal? VerifyRotation(ReadOnlyMemory<byte> bytes, string role, string previous, RoleKeys keys, TrustLimits limits, out RoleKeys? next)
    {
        next = null;
        if (SignedFile.TryRead(bytes, role + " rotation", limits, out var file) is { } bad) return bad;

        try
        {
            var rotation = new Rotation(file, role, previous, limits);
            if (keys.Verify(file, $"{role} key rotation", out _) is { } unsigned) return unsigned;
            if (rotation.IsRevocation) return new Refusal(TrustReason.Revoked, $"The role {role} has revoked itself.");

            next = rotation.Keys;
            return null;
        }
        catch (Exception malformed) when (malformed is WrongTypeException or JsonException or InvalidOperationException)
        {
            return new Refusal(TrustReason.Malformed, $"The key rotation of {role} is not what TAP 8 describes: {malformed.Message}");
        }
    }

    /// <summary>A role already verified in this update, for the same delegator and the same keys.</summary>
    public Targets? Verified(string delegator, string role, RoleKeys keys) => _targets.GetValueOrDefault((delegator, role, keys.Identity));

    public Targets? TopLevelTargets => Verified("root", "targets", Root.Roles["targets"]);

    /// <summary>Signatures alone, for the proof kept beside an image: neither a date nor a snapshot matters there.</summary>
    public static Refusal? VerifyKept(ReadOnlyMemory<byte> bytes, string role, RoleKeys keys, TrustLimits limits, out Targets? targets) =>
        TryDecode(bytes, role, limits, limits.TargetsBytes, f => new Targets(f, role, limits), out targets) ?? Verify(targets!, keys, role);

    /// <summary>The kept snapshot, where a maker's root vouches for it; dates and timestamp aside.</summary>
    public static Snapshot? ReadKeptSnapshot(ReadOnlyMemory<byte> bytes, Root root, TrustLimits limits) =>
        (TryDecode(bytes, "snapshot", limits, limits.SnapshotBytes, f => new Snapshot(f, limits), out var snapshot) ?? Verify(snapshot!, root.Roles["snapshot"], "snapshot")) is null
            ? snapshot
            : null;

    private Verdict AcceptSnapshot(ReadOnlyMemory<byte> bytes)
    {
        var refusal = TryDecode(bytes, "snapshot", _limits, _limits.SnapshotBytes, f => new Snapshot(f, _limits), out var next)
            ?? Verify(next!, Root.Roles["snapshot"], "snapshot")
            ?? RolledBack(next!);
        if (refusal is not null) return refusal;

        Snapshot = next;
        return SnapshotFault();
    }

    /// <summary>5.5.5: nothing that was listed may become older or vanish.</summary>
    private Refusal? RolledBack(Snapshot next)
    {
        foreach (var (name, version) in Floor)
        {
            if (next.Files.TryGetValue(name, out var offered) && offered.Version < version) return Older(name, version, offered.Version);
        }

        if (Snapshot is null) return null;

        foreach (var (name, trusted) in Snapshot.Files)
        {
            if (!next.Files.TryGetValue(name, out var offered))
            {
                return new Refusal(TrustReason.Rollback, $"The new snapshot no longer lists {name}.");
            }

            if (offered.Version < trusted.Version) return Older(name, trusted.Version, offered.Version);
        }

        return null;
    }

    private Refusal? TimestampFault() => Timestamp is null
        ? new Refusal(TrustReason.NotReady, "No timestamp is trusted yet.")
        : Expired(Timestamp, "timestamp");

    private Refusal? SnapshotFault()
    {
        if (Snapshot is null || Timestamp is null) return new Refusal(TrustReason.NotReady, "No snapshot is trusted yet.");
        if (Expired(Snapshot, "snapshot") is { } expired) return expired;

        return Snapshot.Version == Timestamp.Snapshot.Version
            ? null
            : new Refusal(TrustReason.WrongVersion, $"The snapshot is version {Snapshot.Version}; the timestamp says {Timestamp.Snapshot.Version}.");
    }

    private static Refusal? Verify(RoleMetadata metadata, RoleKeys keys, string role)
    {
        var refusal = keys.Verify(metadata.File, role, out var signers);
        metadata.Signers = signers;
        metadata.File.Release();
        return refusal;
    }

    private Refusal? Expired(RoleMetadata metadata, string role) => metadata.IsExpired(_start)
        ? new Refusal(TrustReason.Expired, $"The {role} metadata was valid until {metadata.Expires:yyyy-MM-dd HH:mm} UTC; the time here is {_start.ToUniversalTime():yyyy-MM-dd HH:mm}.")
        : null;

    private static Refusal Older(string what, long trusted, long offered) =>
        new(TrustReason.Rollback, $"The repository offers {what} version {offered}, older than version {trusted} seen before.");

    private static Refusal? TryDecode<T>(
        ReadOnlyMemory<byte> bytes, string role, TrustLimits limits, int maxBytes, Func<SignedFile, T> decode, out T? metadata)
        where T : RoleMetadata
    {
        metadata = null;
        if (bytes.Length > maxBytes) return new Refusal(TrustReason.TooLarge, $"The {role} metadata is larger than {maxBytes} bytes.");
        if (SignedFile.TryRead(bytes, role, limits, out var file) is { } refusal) return refusal;

        try
        {
            metadata = decode(file);
            return null;
        }
        catch (WrongTypeException)
        {
            return new Refusal(TrustReason.WrongRole, $"What was served as {role} metadata is another role's.");
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException or FormatException)
        {
            return new Refusal(TrustReason.Malformed, $"The {role} metadata is not what TUF describes: {bad.Message}");
        }
    }
}
