using System.Globalization;

namespace Gatehouse.Maker.Repository;

/// <summary>What a maker that is gone last published, for the successor that goes on from there.</summary>
internal sealed class PublishedFolder
{
    private readonly string _folder;
    private readonly MetadataDocument _snapshot;

    private PublishedFolder(string folder, MetadataDocument snapshot, long rootVersion)
    {
        _folder = folder;
        _snapshot = snapshot;
        RootVersion = rootVersion;
    }

    public long RootVersion { get; }

    public MetadataDocument Targets => LoadListed("targets");

    public static PublishedFolder Open(string folder)
    {
        var metadata = Path.Combine(folder, "metadata");
        var version = 0L;
        while (File.Exists(Path.Combine(metadata, Name(version + 1, "root")))) version++;
        if (version == 0) throw new MakerException($"{folder} holds no published repository: metadata/1.root.json is not there.");

        var timestamp = Load(Path.Combine(metadata, "timestamp.json"));
        var snapshot = Load(Path.Combine(metadata, Name(MakerRepository.MetaVersion(timestamp, "snapshot.json"), "snapshot")));
        return new PublishedFolder(folder, snapshot, version);
    }

    /// <summary>Every root, so that old clients can walk; the delegated roles; the images.</summary>
    public void CopyTo(MakerRepository repository)
    {
        var delegated = Delegated().Select(d => Name(d.Document.Version, d.Role)).ToHashSet(StringComparer.Ordinal);
        Publishing.CopyNew(Path.Combine(_folder, "metadata"), repository.MetadataFolder, name => name.EndsWith(".root.json", StringComparison.Ordinal) || delegated.Contains(name));
        Publishing.CopyNew(Path.Combine(_folder, "targets"), repository.TargetsFolder, _ => true);
    }

    public IReadOnlyList<(string Role, MetadataDocument Document)> Delegated() => _snapshot.Signed["meta"]!.AsObject()
        .Select(m => Path.GetFileNameWithoutExtension(m.Key)).Where(role => role != "targets").Select(role => (role, LoadListed(role))).ToList();

    private MetadataDocument LoadListed(string role) =>
        Load(Path.Combine(_folder, "metadata", Name(MakerRepository.MetaVersion(_snapshot, role + ".json"), role)));

    private static string Name(long version, string role) => string.Create(CultureInfo.InvariantCulture, $"{version}.{MakerRepository.Encode(role)}.json");

    private static MetadataDocument Load(string path) =>
        File.Exists(path) ? MetadataDocument.Parse(File.ReadAllBytes(path), path) : throw new MakerException($"{path} is missing.");
}
