namespace Gatehouse.Trust;

/// <summary>A repository in a folder with <c>metadata/</c> and <c>targets/</c>, as <c>gatehouse-maker publish</c> writes it: a stick, a mounted share, a check before upload.</summary>
public sealed class FolderTransport : ITransport
{
    private readonly string _folder;

    /// <summary>Reads below <paramref name="folder"/>.</summary>
    public FolderTransport(string folder) => _folder = Path.GetFullPath(folder);

    /// <inheritdoc/>
    public Task<Stream?> OpenMetadataAsync(string fileName, CancellationToken cancellationToken) => Open(Path.Combine("metadata", fileName));

    /// <inheritdoc/>
    public Task<Stream?> OpenTargetAsync(string path, CancellationToken cancellationToken) => Open(Path.Combine("targets", path));

    private Task<Stream?> Open(string relative)
    {
        // Names arrive encoded, so none can climb out of the folder; if one could, this would be the place where it shows.
        var path = Path.GetFullPath(Path.Combine(_folder, relative));
        if (!path.StartsWith(_folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)) return Task.FromResult<Stream?>(null);

        return Task.FromResult<Stream?>(File.Exists(path) ? File.OpenRead(path) : null);
    }
}
