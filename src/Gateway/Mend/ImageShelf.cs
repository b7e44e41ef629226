namespace Gatehouse.Mend;

/// <summary>
/// The images kept on the gateway's disk, each in a folder named by its SHA-256: what each Thing runs, for the way back, and what is being
/// installed. A file is not trusted because it lies here: it is verified again, against the proof that Trust keeps, each time it is used.
/// </summary>
public sealed class ImageShelf
{
    /// <summary>Most bytes kept. The images used least recently go first; one that an update under way needs never goes.</summary>
    public const long MaxBytes = 512L * 1024 * 1024;

    private readonly string _folder;

    public ImageShelf(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>The folder for the image with this hash, whether it is there or not; fetch it into that.</summary>
    public string FolderOf(string sha256) =>
        sha256.Length == 64 && sha256.All(char.IsAsciiHexDigitLower) ? Path.Combine(_folder, sha256) : throw new ArgumentException("not a SHA-256 in lower-case hex", nameof(sha256));

    /// <summary>The kept image with this hash, or null. From now on it counts as used.</summary>
    public string? Find(string sha256)
    {
        var folder = new DirectoryInfo(FolderOf(sha256));
        if (!folder.Exists) return null;
        folder.LastWriteTimeUtc = DateTime.UtcNow;
        return folder.EnumerateFiles().FirstOrDefault(file => file.Extension != ".part")?.FullName;
    }

    /// <summary>Makes room: drops what is not needed, least recently used first, until <paramref name="maxBytes"/> are kept.</summary>
    /// <param name="isNeeded">True for the hash of an image that an update under way needs.</param>
    /// <returns>How many were dropped.</returns>
    public int Trim(Func<string, bool> isNeeded, long maxBytes)
    {
        var images = (from folder in new DirectoryInfo(_folder).EnumerateDirectories()
                      orderby folder.LastWriteTimeUtc
                      select (Folder: folder, Bytes: folder.EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length))).ToList();
        var (total, dropped) = (images.Sum(image => image.Bytes), 0);
        foreach (var image in images)
        {
            if (total <= maxBytes) break;
            if (isNeeded(image.Folder.Name)) continue;
            image.Folder.Delete(recursive: true);
            total -= image.Bytes;
            dropped++;
        }

        return dropped;
    }
}
