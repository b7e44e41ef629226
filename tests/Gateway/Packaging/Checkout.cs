namespace Gatehouse.Tests.Gateway.Packaging;

/// <summary>The checkout these tests were built from.</summary>
internal static class Checkout
{
    /// <summary>Its folder: the nearest one above that has the solution.</summary>
    public static string Folder { get; } = Find();

    private static string Find()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Gatehouse.slnx"))) return folder;
        }

        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} has the solution.");
    }
}
