using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Keys;

namespace Gatehouse.Maker.Repository;

/// <summary>Moves what is signed into the repository, and the repository to where it is served.</summary>
internal static class Publishing
{
    /// <summary>Publishes every staged document. All of them must be signed by enough keys, or nothing happens.</summary>
    /// <param name="taken">Delegated roles' documents taken over from another repository, to be listed too.</param>
    public static IReadOnlyList<string> Finish(MakerRepository repository, IReadOnlyList<(string Role, MetadataDocument Document)>? taken = null)
    {
        var staged = repository.StagedRoles().Select(role => (Role: role, Document: repository.Staged(role)!)).ToList();
        foreach (var (role, document) in staged)
        {
            var missing = Signing.RulesFor(repository, role, document).Max(rule => rule.Missing(document));
            if (missing > 0) throw new MakerException($"{role} version {document.Version} still needs {missing} more signature(s). Sign with: gatehouse-maker sign");
        }

        foreach (var (role, document) in staged)
        {
            if (role != "root") CheckKept(repository, role, document);
        }

        foreach (var (role, document) in staged) repository.WriteMetadata(FileName(role, document.Version), document.ToBytes());

        // From here on a crash leaves files that nothing leads to; doing it again gives the same names and the same bytes.
        Refresh(repository, [.. taken ?? [], .. staged.Where(s => s.Role != "root")]);
        foreach (var (role, _) in staged) repository.Unstage(role);
        return staged.Select(s => $"{s.Role} version {s.Document.Version}").ToList();
    }

    /// <summary>A new snapshot where something changed or its date is near, and always a new timestamp; signed by the online keys.</summary>
    public static void Refresh(MakerRepository repository, IReadOnlyList<(string Role, MetadataDocument Document)> changed)
    {
        var snapshot = repository.Snapshot();
        if (snapshot is null || changed.Count > 0 || MustRenew(repository, snapshot))
        {
            snapshot = NextSnapshot(repository, snapshot, changed);
            SignOnline(repository, "snapshot", snapshot);
            repository.WriteMetadata(FileName("snapshot", snapshot.Version), snapshot.ToBytes());
        }

        var timestamp = repository.Timestamp()?.Next(repository.ExpiryOf("timestamp")) ?? MetadataDocument.Create("timestamp", repository.ExpiryOf("timestamp"));
        timestamp.Signed["meta"] = new JsonObject { ["snapshot.json"] = Meta(snapshot) };
        SignOnline(repository, "timestamp", timestamp);
        repository.WriteMetadata("timestamp.json", timestamp.ToBytes());
    }

    /// <summary>Copies the repository to a folder that a web server serves. What refers to a file comes after that file; timestamp.json is last.</summary>
    public static int CopyTo(MakerRepository repository, string folder)
    {
        var copied = CopyNew(repository.TargetsFolder, Path.Combine(folder, "targets"), _ => true);
        // Roots after the other files: a client that sees new keys must find what they signed.
        copied += CopyNew(repository.MetadataFolder, Path.Combine(folder, "metadata"), name => name != "timestamp.json" && !IsRoot(name));
        copied += CopyNew(repository.MetadataFolder, Path.Combine(folder, "metadata"), IsRoot);
        SafeFile.Copy(Path.Combine(repository.MetadataFolder, "timestamp.json"), Path.Combine(folder, "metadata", "timestamp.json"));
        return copied + 1;
    }

    private static bool IsRoot(string name) => name.EndsWith(".root.json", StringComparison.Ordinal);

    private static MetadataDocument NextSnapshot(MakerRepository repository, MetadataDocument? old, IReadOnlyList<(string Role, MetadataDocument Document)> changed)
    {
        var next = old?.Next(repository.ExpiryOf("snapshot")) ?? MetadataDocument.Create("snapshot", repository.ExpiryOf("snapshot"));
        if (next.Signed["meta"] is null) next.Signed["meta"] = new JsonObject();
        foreach (var (role, document) in changed) next.Signed["meta"]![role + ".json"] = Meta(document);
        return next;
    }

    private static JsonObject Meta(MetadataDocument document)
    {
        var bytes = document.ToBytes();
        return new JsonObject
        {
            ["version"] = document.Version,
            ["length"] = bytes.Length,
            ["hashes"] = new JsonObject { ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes)) },
        };
    }

    /// <summary>Renewed when less than half of its time is left, or when its keys changed.</summary>
    private static bool MustRenew(MakerRepository repository, MetadataDocument snapshot) =>
        snapshot.Expires - repository.Clock.GetUtcNow() < TimeSpan.FromDays(repository.Settings.SnapshotDays / 2)
        || RoleRule.Of(repository.Root()!, "snapshot").Missing(snapshot) > 0;

    private static void SignOnline(MakerRepository repository, string role, MetadataDocument document)
    {
        var rule = RoleRule.Of(repository.Root() ?? repository.DecidingRoot(), role);
        foreach (var header in MakerRepository.KeyFiles(repository.OnlineFolder).Where(h => rule.KeyIds.Contains(h.KeyId)))
        {
            using var key = KeyFile.TryOpen(header, []) ?? throw new MakerException($"{header.Path} is encrypted; the timer's keys must lie open.");
            document.Sign(key);
        }

        if (rule.Missing(document) > 0) throw new MakerException($"The online key of {role} is not in {repository.OnlineFolder}.");
    }

    /// <summary>A security update stays available for at least ten years: a Thing may be switched on again after nine.</summary>
    private static void CheckKept(MakerRepository repository, string role, MetadataDocument next)
    {
        var published = repository.Targets(role)?.Signed["targets"]?.AsObject();
        foreach (var (path, entry) in published ?? [])
        {
            if (next.Signed["targets"]?[path] is not null || entry?["custom"]?["kind"]?.GetValue<string>() != "security") continue;
            if (DateTimeOffset.TryParse(entry["custom"]?["released"]?.GetValue<string>(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var released)
                && released.AddYears(10) <= repository.Clock.GetUtcNow()) continue;

            throw new MakerException($"{path} is a security update younger than ten years; it must stay available.");
        }
    }

    public static int CopyNew(string from, string to, Func<string, bool> wanted)
    {
        if (!Directory.Exists(from)) return 0;

        var copied = 0;
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var relative = Path.GetRelativePath(from, file);
            if (!wanted(relative) || relative.EndsWith(".new", StringComparison.Ordinal)) continue;

            // Compared by content: a copy cut short by a full disk has the right name.
            var target = Path.Combine(to, relative);
            if (File.Exists(target) && SameBytes(file, target)) continue;

            SafeFile.Copy(file, target);
            copied++;
        }

        return copied;
    }

    private static bool SameBytes(string a, string b)
    {
        if (new FileInfo(a).Length != new FileInfo(b).Length) return false;

        using var first = File.OpenRead(a);
        using var second = File.OpenRead(b);
        return SHA256.HashData(first).AsSpan().SequenceEqual(SHA256.HashData(second));
    }

    private static string FileName(string role, long version) => string.Create(CultureInfo.InvariantCulture, $"{version}.{MakerRepository.Encode(role)}.json");
}
