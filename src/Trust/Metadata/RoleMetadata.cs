using System.Text.Json;
using Gatehouse.Trust.Keys;

namespace Gatehouse.Trust.Metadata;

/// <summary>What every role's metadata says (4.3 to 4.6): version and date. The signed bytes come with it.</summary>
internal abstract class RoleMetadata
{
    protected RoleMetadata(SignedFile file, string type, TrustLimits limits)
    {
        File = file;
        using var declared = Member("_type", limits);
        if (declared.RootElement.GetText() != type) throw new WrongTypeException();

        using var version = Member("version", limits);
        using var expires = Member("expires", limits);
        using var spec = Member("spec_version", limits);
        Version = version.RootElement.GetInteger("version", atLeast: 1);
        Expires = expires.RootElement.GetDate();

        // 4.3: the major version says whether this client may read the file at all.
        SpecVersion = spec.RootElement.GetText();
        if (SpecVersion != "1" && !SpecVersion.StartsWith("1.", StringComparison.Ordinal)) throw new JsonException("its spec_version is not 1");
    }

    public SignedFile File { get; }

    public long Version { get; }

    public DateTimeOffset Expires { get; }

    public string SpecVersion { get; }

    /// <summary>Ids of the keys whose signatures made it trusted.</summary>
    public IReadOnlyList<string> Signers { get; set; } = [];

    /// <summary>5.3.10, 5.4.4, 5.5.6, 5.6.5: the date must be later than the update's start.</summary>
    public bool IsExpired(DateTimeOffset start) => Expires <= start;

    protected JsonDocument Member(string name, TrustLimits limits) =>
        File.ParseMember(name, limits) ?? throw new JsonException($"\"{name}\" is missing");
}

/// <summary>The file is another role's. Told apart from bad JSON, because it is an attack and not an accident.</summary>
internal sealed class WrongTypeException : Exception;

/// <summary>root.json (4.3): the keys of every top-level role.</summary>
internal sealed class Root : RoleMetadata
{
    /// <summary>The roles that every root must name (4.3). Others, like a successor's, may be there too.</summary>
    public static readonly string[] TopLevel = ["root", "timestamp", "snapshot", "targets"];

    public Root(SignedFile file, TrustLimits limits) : base(file, "root", limits)
    {
        using var signed = file.ParseSigned(limits);
        var content = signed.RootElement;
        Keys = RoleKeys.ParseTable(content.GetRequired("keys"), limits);
        ConsistentSnapshot = content.TryGetProperty("consistent_snapshot", out var flag) && flag.GetFlag();

        var roles = new Dictionary<string, RoleKeys>(StringComparer.Ordinal);
        foreach (var role in content.GetRequired("roles").GetMembers()) roles[role.Name] = RoleKeys.Parse(role.Value, Keys);
        foreach (var name in TopLevel)
        {
            if (!roles.ContainsKey(name)) throw new JsonException($"it does not name the {name} role");
        }

        Roles = roles;
        Succession = Succession.Parse(content, roles);
    }

    /// <summary>Who follows this maker, and when; null where it named nobody.</summary>
    public Succession? Succession { get; }

    public IReadOnlyDictionary<string, PublicKey> Keys { get; }

    public IReadOnlyDictionary<string, RoleKeys> Roles { get; }

    public bool ConsistentSnapshot { get; }
}

/// <summary>What one role says of another's file (4.4): its version, and perhaps its length and hashes.</summary>
internal sealed record FileMeta(long Version, long? Length, FileHashes Hashes)
{
    public static FileMeta Parse(JsonElement meta)
    {
        var length = meta.TryGetProperty("length", out var given) ? given.GetInteger("length", atLeast: 0) : (long?)null;
        var hashes = meta.TryGetProperty("hashes", out var listed) ? FileHashes.Parse(listed) : FileHashes.None;
        return new FileMeta(meta.GetRequired("version").GetInteger("version", atLeast: 1), length, hashes);
    }

    /// <summary>5.5.2, 5.6.2: length and hashes of the served bytes, where they are given.</summary>
    public Refusal? Check(ReadOnlySpan<byte> bytes, string role)
    {
        if (Length is { } length && bytes.Length != length)
        {
            return new Refusal(TrustReason.HashMismatch, $"The {role} metadata has {bytes.Length} bytes; {length} were announced.");
        }

        return Hashes.Match(bytes) ? null : new Refusal(TrustReason.HashMismatch, $"The {role} metadata does not have the announced hash.");
    }
}

/// <summary>timestamp.json (4.6): the newest snapshot.</summary>
internal sealed class Timestamp : RoleMetadata
{
    public Timestamp(SignedFile file, TrustLimits limits) : base(file, "timestamp", limits)
    {
        using var meta = Member("meta", limits);
        Snapshot = FileMeta.Parse(meta.RootElement.GetRequired("snapshot.json"));
    }

    public FileMeta Snapshot { get; }
}

/// <summary>snapshot.json (4.4): the newest version of every targets metadata file.</summary>
internal sealed class Snapshot : RoleMetadata
{
    public Snapshot(SignedFile file, TrustLimits limits) : base(file, "snapshot", limits)
    {
        using var meta = Member("meta", limits);
        var files = new Dictionary<string, FileMeta>(StringComparer.Ordinal);
        foreach (var entry in meta.RootElement.GetMembers()) files[entry.Name] = FileMeta.Parse(entry.Value);
        Files = files;
    }

    /// <summary>By file name, "targets.json".</summary>
    public IReadOnlyDictionary<string, FileMeta> Files { get; }
}
