namespace Gatehouse.Wire;

/// <summary>Reads a packet ring on a thread of its own and gives every frame to each consumer in turn.</summary>
/// <param name="interfaceName">Opened anew by each <see cref="RunAsync"/>: an interface that went away and came back is read again.</param>
public sealed class PacketLoop(string interfaceName, int ringBytes, IReadOnlyList<IFrameConsumer> consumers)
{
    private static readonly TimeSpan _poll = TimeSpan.FromMilliseconds(100);
    private long _received;
    private long _dropped;

    /// <summary>Frames given to the consumers.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Frames the kernel had no room for: what nobody here saw.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Reads until cancelled.</summary>
    /// <exception cref="PacketRingException">The interface cannot be read.</exception>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        // The ring is opened here, so that what cannot be read fails at once and not on the thread.
        var ring = PacketRing.Open(interfaceName, ringBytes);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                Read(ring, cancellationToken);
                ended.SetResult();
            }
#pragma warning disable CA1031 // The thread's end is the task's end: whoever awaits it gets what was thrown.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                ended.SetException(failure);
            }
            finally
            {
                ring.Dispose();
            }
        })
        { IsBackground = true, Name = $"packets of {interfaceName}" };
        thread.Start();
        return ended.Task;
    }

    private void Read(PacketRing ring, CancellationToken cancellationToken)
    {
        var all = new Fan(consumers);
        var receivedBefore = Received;
        var droppedBefore = Dropped;
        for (var polls = 0; !cancellationToken.IsCancellationRequested; polls++)
        {
            var count = ring.Poll(ref all, _poll);
            Interlocked.Exchange(ref _received, receivedBefore + ring.Received);
            if (count > 0 && polls % 64 != 0) continue;
            ring.UpdateDropped();
            Interlocked.Exchange(ref _dropped, droppedBefore + ring.Dropped);
        }
    }

    private readonly struct Fan(IReadOnlyList<IFrameConsumer> consumers) : IFrameConsumer
    {
        private readonly IFrameConsumer[] _consumers = [.. consumers];

        public void Take(in Frame frame)
        {
            foreach (var consumer in _consumers) consumer.Take(in frame);
        }
    }
}
