namespace Gatehouse.Lab;

/// <summary>Where the lab's own scripts and firmware sources are: beside the program.</summary>
internal static class LabFiles
{
    public static string Find(string relative) => Path.Combine(AppContext.BaseDirectory, relative) is var path && Path.Exists(path)
        ? path : throw new LabException($"{relative} is missing beside the lab's program ({AppContext.BaseDirectory}): build it again.");

    /// <summary>Copies one file of the lab and makes it executable.</summary>
    public static void CopyScript(string relative, string destination)
    {
        File.Copy(Find(relative), destination, overwrite: true);
        File.SetUnixFileMode(destination, (UnixFileMode)0b111_101_101);
    }
}
