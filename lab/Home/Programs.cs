namespace Gatehouse.Lab.Home;

/// <summary>The programs under test: the native ones of out/bin, unless told otherwise.</summary>
internal sealed record Programs(string Gateway, string Maker)
{
    public static Programs Find(string? folder)
    {
        folder ??= Environment.GetEnvironmentVariable("GATEHOUSE_BIN");
        if (folder is null)
        {
            for (var above = AppContext.BaseDirectory; above is not null && folder is null; above = Path.GetDirectoryName(above))
            {
                if (File.Exists(Path.Combine(above, "out/bin/gatehouse"))) folder = Path.Combine(above, "out/bin");
            }
        }

        var found = folder is null ? null : new Programs(Path.GetFullPath(Path.Combine(folder, "gatehouse")), Path.GetFullPath(Path.Combine(folder, "gatehouse-maker")));
        return found is not null && File.Exists(found.Gateway) && File.Exists(found.Maker)
            ? found : throw new LabException("the programs gatehouse and gatehouse-maker are not built: run ./run --build, or name their folder with --bin.");
    }
}
