using System.Buffers;

namespace Gatehouse.Trust.Fetching;

/// <summary>Reads from a transport with every limit on size, silence and slowness, whatever the transport does.</summary>
internal sealed class Fetcher(ITransport transport, TimeProvider clock, TrustLimits limits)
{
    /// <summary>64 KiB: what an image is read, hashed and written in.</summary>
    public const int BufferBytes = 64 * 1024;

    /// <summary>Fetches a metadata file whole; null where the repository does not have it.</summary>
    /// <param name="maxBytes">One byte more is the endless data attack.</param>
    /// <param name="expectedBytes">What a trusted role announced, to allocate once; null where nobody did.</param>
    public async Task<ReadOnlyMemory<byte>?> FetchMetadataAsync(string fileName, int maxBytes, int? expectedBytes, CancellationToken cancellationToken)
    {
        using var whole = new CancellationTokenSource(limits.MetadataWait, clock);
        using var idle = new CancellationTokenSource(limits.IdleWait, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, whole.Token, idle.Token);
        try
        {
            var stream = await transport.OpenMetadataAsync(fileName, linked.Token).ConfigureAwait(false);
            if (stream is null) return null;

            await using (stream.ConfigureAwait(false))
            {
                return await ReadWholeAsync(stream, fileName, maxBytes, expectedBytes, idle, linked.Token).ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (failure is not TrustException)
        {
            throw Explain(failure, fileName, whole.IsCancellationRequested || idle.IsCancellationRequested, cancellationToken);
        }
    }

    /// <summary>Fetches a target in pieces of at most <see cref="BufferBytes"/>; at most <paramref name="length"/> bytes plus the one that shows a lie.</summary>
    public async Task FetchTargetAsync(string path, long length, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> take, CancellationToken cancellationToken)
    {
        using var idle = new CancellationTokenSource(limits.IdleWait, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, idle.Token);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            var stream = await transport.OpenTargetAsync(path, linked.Token).ConfigureAwait(false)
                ?? throw new TrustException(TrustReason.Unavailable, $"The repository lists {path} but does not have it.");
            await using (stream.ConfigureAwait(false))
            {
                await CopyAsync(stream, path, length, buffer.AsMemory(0, BufferBytes), take, idle, linked.Token).ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (failure is not TrustException)
        {
            throw Explain(failure, path, idle.IsCancellationRequested, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task CopyAsync(
        Stream stream, string path, long length, Memory<byte> buffer, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> take,
        CancellationTokenSource idle, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        long total = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read == 0) return;

            total += read;
            if (total > length) throw new TrustException(TrustReason.HashMismatch, $"The mirror sends more than the {length} bytes that {path} has.");

            await take(buffer[..read], cancellationToken).ConfigureAwait(false);
            idle.CancelAfter(limits.IdleWait);
            CheckPace(path, total, clock.GetElapsedTime(started));
        }
    }

    private void CheckPace(string path, long total, TimeSpan elapsed)
    {
        if (elapsed > limits.IdleWait && total < elapsed.TotalSeconds * limits.ImageBytesPerSecond)
        {
            throw new TrustException(TrustReason.TooSlow, $"The mirror sends {path} at less than {limits.ImageBytesPerSecond} bytes per second.");
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadWholeAsync(
        Stream stream, string fileName, int maxBytes, int? expectedBytes, CancellationTokenSource idle, CancellationToken cancellationToken)
    {
        // One byte more than may come, so that a longer file shows itself without a second buffer.
        var buffer = GC.AllocateUninitializedArray<byte>(Math.Min(expectedBytes ?? 4096, maxBytes) + 1);
        var length = 0;
        while (true)
        {
            if (length == buffer.Length) Array.Resize(ref buffer, (int)Math.Min(buffer.Length * 2L, maxBytes + 1L));
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (read == 0) return buffer.AsMemory(0, length);

            length += read;
            if (length > maxBytes) throw new TrustException(TrustReason.TooLarge, $"{fileName} is larger than the {maxBytes} bytes it may have.");

            idle.CancelAfter(limits.IdleWait);
        }
    }

    private static Exception Explain(Exception failure, string name, bool timedOut, CancellationToken cancellationToken) => failure switch
    {
        OperationCanceledException when cancellationToken.IsCancellationRequested => failure,
        _ when timedOut => new TrustException(TrustReason.TooSlow, $"The mirror took too long to send {name}.", failure),
        IOException or OperationCanceledException => new TrustException(TrustReason.Unavailable, $"{name} could not be fetched: {failure.Message}", failure),
        _ => failure,
    };
}
