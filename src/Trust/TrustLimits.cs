namespace Gatehouse.Trust;

/// <summary>The largest sizes, counts and waits that a repository may ask of this client. Each has a reason; a repository past one is refused.</summary>
public sealed record TrustLimits
{
    /// <summary>The limits used where none are given.</summary>
    public static TrustLimits Default { get; } = new();

    /// <summary>Largest root.json in bytes (W in 5.3.3). A root holds a few dozen keys; RSA-4096 keys take 800 bytes each.</summary>
    public int RootBytes { get; init; } = 512 * 1024;

    /// <summary>Largest timestamp.json in bytes (X in 5.4.1). It names one file and a few signatures.</summary>
    public int TimestampBytes { get; init; } = 16 * 1024;

    /// <summary>Largest snapshot.json in bytes (5.5.1), where the timestamp does not say less. 16,384 hashed bins take about 2 MiB.</summary>
    public int SnapshotBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Largest targets metadata in bytes (Z in 5.6.1), where the snapshot does not say less. 100,000 targets take about 20 MiB.</summary>
    public int TargetsBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Most new root versions in one update (Y in 5.3.3). One rotation a week for twenty years.</summary>
    public int RootRotations { get; init; } = 1024;

    /// <summary>Deepest nesting of JSON. The specification's own formats need eight; the rest is for custom fields.</summary>
    public int JsonDepth { get; init; } = 32;

    /// <summary>Most signatures on one file, so that a file cannot buy hours of verification.</summary>
    public int Signatures { get; init; } = 128;

    /// <summary>Most keys in one file's key table.</summary>
    public int Keys { get; init; } = 16_384;

    /// <summary>Most delegations in one targets role.</summary>
    public int Delegations { get; init; } = 65_536;

    /// <summary>Most roles that one look-up visits (5.6.7.1), against delegation graphs made to waste bandwidth.</summary>
    public int VisitedRoles { get; init; } = 64;

    /// <summary>Longest role name in bytes once encoded for a file name: file systems allow 255 with version and ending.</summary>
    public int RoleNameBytes { get; init; } = 200;

    /// <summary>Longest target path in bytes.</summary>
    public int TargetPathBytes { get; init; } = 1024;

    /// <summary>Most key rotations (TAP 8) followed for one role.</summary>
    public int RoleRotations { get; init; } = 64;

    /// <summary>How many images can be verified again for a restore; the oldest proofs make room. A home has a few dozen Things, each with one image kept.</summary>
    public int KeptProofs { get; init; } = 256;

    /// <summary>Largest image in bytes, whatever the metadata says. Firmware of Things is far below.</summary>
    public long ImageBytes { get; init; } = 4L * 1024 * 1024 * 1024;

    /// <summary>Longest wait for the next byte. Slower is a dead connection.</summary>
    public TimeSpan IdleWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time for one metadata file from request to last byte.</summary>
    public TimeSpan MetadataWait { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Slowest average for an image after the first <see cref="IdleWait"/>, in bytes per second. A byte every few seconds would otherwise never end.</summary>
    public int ImageBytesPerSecond { get; init; } = 1024;

    /// <summary>How long after its start an update's result may still be used to choose and fetch targets; later, refresh again.</summary>
    public TimeSpan UpdateLifetime { get; init; } = TimeSpan.FromHours(24);
}
