namespace Gatehouse.Trust;

/// <summary>Where a repository's files come from: a mirror, a folder, a test. Nothing that comes through it is trusted.</summary>
public interface ITransport
{
    /// <summary>Opens a metadata file, like <c>3.root.json</c>. The name is one path segment, percent-encoded already.</summary>
    /// <returns>The bytes, which the caller disposes of; null where the repository has no such file.</returns>
    /// <exception cref="IOException">The repository cannot be reached.</exception>
    Task<Stream?> OpenMetadataAsync(string fileName, CancellationToken cancellationToken);

    /// <summary>Opens a target, like <c>anvil/HASH.dvr4-1.1.0.swu</c>: segments parted by slashes, each percent-encoded already.</summary>
    /// <returns>The bytes, which the caller disposes of; null where the repository has no such file.</returns>
    /// <exception cref="IOException">The repository cannot be reached.</exception>
    Task<Stream?> OpenTargetAsync(string path, CancellationToken cancellationToken);
}
