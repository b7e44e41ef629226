using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.Tests.Trust;

/// <summary>A stream of which only asynchronous reading is told apart.</summary>
internal abstract class ReadOnlyStream : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>Never ends.</summary>
internal sealed class EndlessStream : ReadOnlyStream
{
    public long Sent { get; private set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var piece = Math.Min(buffer.Length, 16 * 1024);
        buffer.Span[..piece].Fill((byte)' ');
        Sent += piece;
        return ValueTask.FromResult(piece);
    }
}

/// <summary>Opens and then says nothing, while time passes.</summary>
internal sealed class SilentStream(FakeTimeProvider clock) : ReadOnlyStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}

/// <summary>One byte at a time, with a pause before each.</summary>
internal sealed class DrippingStream(Stream source, FakeTimeProvider clock, TimeSpan pause) : ReadOnlyStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        clock.Advance(pause);
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        return await source.ReadAsync(buffer[..1], cancellationToken);
    }
}
