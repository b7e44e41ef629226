using System.Globalization;
using System.Security.Cryptography;
using Gatehouse.Maker.Keys;

namespace Gatehouse.Maker.Repository;

/// <summary>
/// A maker's working folder. <c>metadata/</c> and <c>targets/</c> are what is published, <c>staged/</c> is what still gathers signatures,
/// <c>keys/</c> holds the encrypted offline keys that are here at the moment, <c>online/</c> the two keys of the timer.
/// </summary>
/// <remarks>
/// What counts is what timestamp.json leads to: every other file is new by name when it is written, and timestamp.json is renamed into
/// place last. So the folder is a whole repository at every moment, and a leftover of an interrupted step is never looked at.
/// </remarks>
internal sealed class MakerRepository
{
    private MakerRepository(string folder, MakerSettings settings, TimeProvider clock)
    {
        Folder = folder;
        Settings = settings;
        Clock = clock;
    }

    public string Folder { get; }

    public MakerSettings Settings { get; }

    public TimeProvider Clock { get; }

    public string MetadataFolder => Path.Combine(Folder, "metadata");

    public string TargetsFolder => Path.Combine(Folder, "targets");

    public string KeysFolder => Path.Combine(Folder, "keys");

    public string OnlineFolder => Path.Combine(Folder, "online");

    private string StagedFolder => Path.Combine(Folder, "staged");

    public static MakerRepository Create(string folder, MakerSettings settings, TimeProvider clock)
    {
        if (File.Exists(Path.Combine(folder, "maker.json"))) throw new MakerException($"{folder} is a repository already.");

        SafeFile.Write(Path.Combine(folder, "maker.json"), settings.ToBytes());
        return new MakerRepository(folder, settings, clock);
    }

    public static MakerRepository Open(string folder, TimeProvider clock)
    {
        var settings = Path.Combine(folder, "maker.json");
        if (!File.Exists(settings)) throw new MakerException($"{Path.GetFullPath(folder)} is not a maker's repository. Make one with: gatehouse-maker init {folder}");

        return new MakerRepository(folder, MakerSettings.Load(settings), clock);
    }

    public DateTimeOffset ExpiryOf(string role) => Clock.GetUtcNow().AddDays(Settings.DaysOf(role));

    /// <summary>The newest published root.</summary>
    public MetadataDocument? Root() => LoadNewest("root");

    public MetadataDocument? Timestamp() => LoadFile("timestamp.json");

    public MetadataDocument? Snapshot() => Timestamp() is { } timestamp ? LoadFile($"{MetaVersion(timestamp, "snapshot.json")}.snapshot.json") : null;

    /// <summary>The published metadata of a targets role, as the snapshot names it.</summary>
    public MetadataDocument? Targets(string role) =>
        Snapshot() is { } snapshot && snapshot.Signed["meta"]![role + ".json"] is not null
            ? LoadFile($"{MetaVersion(snapshot, role + ".json")}.{Encode(role)}.json")
            : null;

    public MetadataDocument? Staged(string role) => Load(Path.Combine(StagedFolder, Encode(role) + ".json"));

    public IReadOnlyList<string> StagedRoles() => Directory.Exists(StagedFolder)
        ? Directory.EnumerateFiles(StagedFolder, "*.json").Select(f => Uri.UnescapeDataString(Path.GetFileNameWithoutExtension(f))).Order(StringComparer.Ordinal).ToList()
        : [];

    public void Stage(string role, MetadataDocument document) => SafeFile.Write(Path.Combine(StagedFolder, Encode(role) + ".json"), document.ToBytes());

    public void Unstage(string role) => File.Delete(Path.Combine(StagedFolder, Encode(role) + ".json"));

    /// <summary>The published document of a role; null where there is none yet.</summary>
    public MetadataDocument? Published(string role) => role == "root" ? Root() : Targets(role);

    /// <summary>The staged document, or the next version of the published one.</summary>
    public MetadataDocument Draft(string role)
    {
        if (Staged(role) is { } staged) return staged;

        return Published(role)?.Next(ExpiryOf(role)) ?? throw new MakerException($"There is no role {role} in this repository.");
    }

    /// <summary>The root that decides who may sign now: the staged one where there is one, since it is published first.</summary>
    public MetadataDocument DecidingRoot() => Staged("root") ?? Root() ?? throw new MakerException("This repository has no root metadata.");

    public void WriteMetadata(string fileName, byte[] bytes) => SafeFile.Write(Path.Combine(MetadataFolder, fileName), bytes);

    public static IEnumerable<KeyFileHeader> KeyFiles(string folder) => Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder, "*" + KeyFile.Ending).Order(StringComparer.Ordinal).Select(KeyFile.ReadHeader)
        : [];

    /// <summary>Puts an image where clients will ask for it (TUF 1.0.34, 6.2.1) and returns its length and SHA-256.</summary>
    public (long Length, string Sha256) KeepTarget(string imagePath, string targetPath)
    {
        var (length, hash) = Measure(imagePath);
        SafeFile.Copy(imagePath, Path.Combine(TargetsFolder, TargetFileName(targetPath, hash)));
        return (length, hash);
    }

    public static (long Length, string Sha256) Measure(string path)
    {
        using var image = File.OpenRead(path);
        return (image.Length, Convert.ToHexStringLower(SHA256.HashData(image)));
    }

    public static string TargetFileName(string targetPath, string hash)
    {
        var segments = targetPath.Split('/').Select(Encode).ToList();
        segments[^1] = hash + "." + segments[^1];
        return string.Join('/', segments);
    }

    public static long MetaVersion(MetadataDocument document, string file) => document.Signed["meta"]![file]!["version"]!.GetValue<long>();

    /// <summary>As clients encode a role's or a path segment's name.</summary>
    public static string Encode(string name) => Uri.EscapeDataString(name);

    private MetadataDocument? LoadNewest(string role)
    {
        var version = 0L;
        while (File.Exists(Path.Combine(MetadataFolder, FileName(role, version + 1)))) version++;
        return version == 0 ? null : LoadFile(FileName(role, version));
    }

    private static string FileName(string role, long version) => string.Create(CultureInfo.InvariantCulture, $"{version}.{Encode(role)}.json");

    private MetadataDocument? LoadFile(string name) => Load(Path.Combine(MetadataFolder, name));

    private static MetadataDocument? Load(string path) => File.Exists(path) ? MetadataDocument.Parse(File.ReadAllBytes(path), path) : null;
}
