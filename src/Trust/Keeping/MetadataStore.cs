using System.Security.Cryptography;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust.Keeping;

/// <summary>
/// The metadata folder: trusted files, byte for byte as served, each written beside its place, flushed, then renamed over it. Whatever
/// write the power fails at, every file there is whole, and any mixture of old and new ones is a state the workflow starts from.
/// </summary>
internal sealed class MetadataStore(string folder)
{
    /// <summary>
    /// Present while root.json and the files that a rotation makes void are out of step: holds the hash of the root that made them void.
    /// Without it, a crash between writing that root and deleting them would keep a fast-forwarded timestamp for ever (5.3.11).
    /// </summary>
    private const string VoidMark = "void-after-root";

    private const string History = "root-history";

    public string Folder => folder;

    /// <summary>Called before each change of the disk. Tests cut the power here.</summary>
    public Action<string> BeforeChange { get; set; } = _ => { };

    public byte[]? Load(string role) => LoadFile(RoleName.Encode(role) + ".json");

    public byte[]? LoadRootVersion(long version) => LoadFile(Path.Combine(History, version.ToString(System.Globalization.CultureInfo.InvariantCulture) + ".root.json"));

    public void Keep(string role, ReadOnlyMemory<byte> bytes) => Write(RoleName.Encode(role) + ".json", bytes.Span);

    /// <summary>Keeps a newly trusted root, and every version of it for images that were verified under it.</summary>
    /// <param name="voidsOnlineFiles">Its timestamp or snapshot keys differ from the root's before it.</param>
    public void KeepRoot(ReadOnlyMemory<byte> bytes, long version, bool voidsOnlineFiles)
    {
        if (voidsOnlineFiles) Write(VoidMark, System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(bytes.Span))));
        KeepRootVersion(bytes, version);
        Write("root.json", bytes.Span);
        if (voidsOnlineFiles) FinishVoiding();
    }

    public void KeepRootVersion(ReadOnlyMemory<byte> bytes, long version) =>
        Write(Path.Combine(History, version.ToString(System.Globalization.CultureInfo.InvariantCulture) + ".root.json"), bytes.Span);

    // Without the ending of metadata files, so that it can be taken for none.
    private const string TakeoverFile = "takeover-memory";

    public byte[]? LoadTakeoverMemory() => LoadFile(TakeoverFile);

    public void KeepTakeoverMemory(byte[] bytes) => Write(TakeoverFile, bytes);

    /// <summary>Keeps the successor's signed statement beside the roots, for whoever wants to check it later.</summary>
    public void KeepTakeover(ReadOnlyMemory<byte> statement, long fromRootVersion) =>
        Write(Path.Combine(History, (fromRootVersion + 1).ToString(System.Globalization.CultureInfo.InvariantCulture) + ".takeover.json"), statement.Span);

    /// <summary>Finishes what a crash may have interrupted. Called before anything is loaded.</summary>
    public void Recover()
    {
        if (LoadFile(VoidMark) is not { } mark) return;

        // The mark comes before its root: if that root never arrived, nothing is void yet.
        if (LoadFile("root.json") is { } root && Convert.ToHexStringLower(SHA256.HashData(root)) == System.Text.Encoding.ASCII.GetString(mark)) FinishVoiding();
        else Delete(VoidMark);
    }

    private void FinishVoiding()
    {
        Delete("timestamp.json");
        Delete("snapshot.json");
        Delete(VoidMark);
    }

    private byte[]? LoadFile(string name)
    {
        try
        {
            return File.ReadAllBytes(Path.Combine(folder, name));
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new TrustException(TrustReason.Storage, $"{name} in {folder} cannot be read: {failure.Message}", failure);
        }
    }

    private void Write(string name, ReadOnlySpan<byte> bytes)
    {
        var path = Path.Combine(folder, name);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.Write(path, bytes, BeforeChange);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new TrustException(TrustReason.Storage, $"{name} cannot be written to {folder}: {failure.Message}", failure);
        }
    }

    private void Delete(string name)
    {
        try
        {
            BeforeChange("delete " + name);
            File.Delete(Path.Combine(folder, name));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new TrustException(TrustReason.Storage, $"{folder} cannot be changed: {failure.Message}", failure);
        }
    }
}

/// <summary>A file that is there whole or not at all.</summary>
internal static class AtomicFile
{
    public static void Write(string path, ReadOnlySpan<byte> bytes, Action<string>? before = null)
    {
        var beside = path + ".new";
        try
        {
            before?.Invoke("write " + beside);
            using (var handle = File.OpenHandle(beside, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                RandomAccess.Write(handle, bytes, 0);
                RandomAccess.FlushToDisk(handle);
            }

            before?.Invoke("rename " + beside);
            File.Move(beside, path, overwrite: true);
        }
        catch (IOException)
        {
            // A full disk must not stay fuller for it.
            File.Delete(beside);
            throw;
        }
    }
}
