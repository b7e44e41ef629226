namespace Gatehouse.Maker.Repository;

/// <summary>Files that are there whole or not at all: written beside their place, flushed, renamed over it.</summary>
internal static class SafeFile
{
    public static void Write(string path, ReadOnlySpan<byte> bytes, bool ownerOnly = false)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var beside = path + ".new";
        try
        {
            File.Delete(beside);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
            if (ownerOnly) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var file = new FileStream(beside, options))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }

    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(to))!);
        var beside = to + ".new";
        try
        {
            using (var source = File.OpenRead(from))
            using (var file = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                source.CopyTo(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, to, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }
}
