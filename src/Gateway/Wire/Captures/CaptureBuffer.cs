namespace Gatehouse.Wire.Captures;

/// <summary>A window over a stream: looks at the next bytes without a copy, refills itself, never grows.</summary>
internal sealed class CaptureBuffer(Stream stream) : IDisposable
{
    /// <summary>The window, in bytes. More than the largest record a reader asks for, small enough to stay in the processor's cache.</summary>
    public const int Capacity = 512 * 1024;

    /// <summary>Bytes asked of the stream at a time: so few that they are still in the processor's cache when they are looked at.</summary>
    private const int ChunkBytes = 64 * 1024;

    private readonly byte[] _window = new byte[Capacity];
    private int _start;
    private int _end;

    /// <summary>The next <paramref name="count"/> bytes, at most <see cref="Capacity"/>, or fewer at the end of the stream. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        if (_end - _start < count) Refill(count);
        return _window.AsSpan(_start, Math.Min(count, _end - _start));
    }

    /// <summary>Passes over <paramref name="count"/> bytes; false where the stream ends before.</summary>
    public bool TrySkip(long count)
    {
        while (count > _end - _start)
        {
            count -= _end - _start;
            _start = _end;
            Refill(1);
            if (_start == _end) return count == 0;
        }

        _start += (int)count;
        return true;
    }

    private void Refill(int count)
    {
        _window.AsSpan(_start, _end - _start).CopyTo(_window);
        (_start, _end) = (0, _end - _start);
        while (_end < count)
        {
            var read = stream.Read(_window, _end, Math.Min(Capacity - _end, Math.Max(ChunkBytes, count - _end)));
            if (read == 0) return;
            _end += read;
        }
    }

    public void Dispose() => stream.Dispose();
}
