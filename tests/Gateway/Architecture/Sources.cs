namespace Gatehouse.Tests.Gateway.Architecture;

/// <summary>The checkout's files, for tests that read the source.</summary>
internal static class Sources
{
    public static string Root { get; } = FindRoot();

    public static IEnumerable<string> Files(string pattern) =>
        Directory.EnumerateFiles(Root, pattern, SearchOption.AllDirectories)
            .Where(file => !Relative(file).Split('/').Any(part => part is "bin" or "obj" or "out" or "node_modules" or ".git"));

    public static string Relative(string file) => Path.GetRelativePath(Root, file);

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Gatehouse.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Gatehouse.slnx is in no folder above the tests.");
        return folder;
    }
}
