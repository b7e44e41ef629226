namespace Gatehouse.Trust;

/// <summary>
/// Several mirrors of one repository, asked in order: the next one where a mirror cannot be reached or does not have the file. A mirror
/// whose files are refused (frozen, stale, tampered with) goes to the end of the line, and the update starts over with the next.
/// </summary>
public sealed class MirroredTransport : ITransport
{
    private readonly List<ITransport> _mirrors;

    /// <summary>Asks <paramref name="mirrors"/> in their order.</summary>
    public MirroredTransport(IReadOnlyList<ITransport> mirrors)
    {
        ArgumentNullException.ThrowIfNull(mirrors);
        if (mirrors.Count == 0) throw new ArgumentException("At least one mirror is needed.", nameof(mirrors));

        _mirrors = [.. mirrors];
    }

    internal int Count => _mirrors.Count;

    /// <summary>Puts the mirror that was asked first to the end of the line.</summary>
    internal void Demote()
    {
        _mirrors.Add(_mirrors[0]);
        _mirrors.RemoveAt(0);
    }

    /// <inheritdoc/>
    public Task<Stream?> OpenMetadataAsync(string fileName, CancellationToken cancellationToken) => FirstAsync(m => m.OpenMetadataAsync(fileName, cancellationToken));

    /// <inheritdoc/>
    public Task<Stream?> OpenTargetAsync(string path, CancellationToken cancellationToken) => FirstAsync(m => m.OpenTargetAsync(path, cancellationToken));

    private async Task<Stream?> FirstAsync(Func<ITransport, Task<Stream?>> open)
    {
        IOException? failure = null;
        var answered = false;
        foreach (var mirror in _mirrors)
        {
            try
            {
                if (await open(mirror).ConfigureAwait(false) is { } stream) return stream;

                answered = true;
            }
            catch (IOException unreachable)
            {
                failure = unreachable;
            }
        }

        // One mirror's word that there is no such file is enough, as it would be with that mirror alone: expiry guards against a lie.
        return answered ? null : throw failure!;
    }
}
