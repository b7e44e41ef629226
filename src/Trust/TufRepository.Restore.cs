namespace Gatehouse.Trust;

public sealed partial class TufRepository
{
    /// <summary>
    /// Verifies a kept image again, to put it back as the last known good. Needs no network, and no date matters: an image that was good
    /// when it was installed may come back even when its maker is long gone.
    /// </summary>
    /// <param name="imagePath">A file that <see cref="DownloadAsync(TargetFile, string, CancellationToken)"/> made, or a copy of it under any name. It is recognised by its content.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="TrustException">The image, its proof, or the root it was verified under is damaged, changed or missing.</exception>
    public async Task<VerifiedImage> RestoreAsync(string imagePath, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(imagePath);
        try
        {
            return await _proofs.VerifyAsync(imagePath, Name, _store, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new TrustException(TrustReason.Storage, $"{imagePath} or its proof cannot be read: {failure.Message}", failure);
        }
    }
}
