using System.Threading.Channels;

namespace Gatehouse.See;

/// <summary>
/// Where every part of the gateway puts what it learns of a device: the DNS forwarder the names asked, the fence's page the browsers, the console
/// the owner's sign-in. Any thread may add; adding never waits.
/// </summary>
public sealed class SightingQueue
{
    /// <summary>Sightings waiting; beyond it the oldest go: what is worth knowing is said again.</summary>
    public const int Capacity = 4096;

    private readonly Channel<Sighting> _channel;
    private long _dropped;

    public SightingQueue() => _channel = Channel.CreateBounded<Sighting>(
        new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest }, _ => Interlocked.Increment(ref _dropped));

    /// <summary>Sightings lost because the queue was full.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    internal ChannelReader<Sighting> Reader => _channel.Reader;

    public void Add(Sighting sighting) => _channel.Writer.TryWrite(sighting);
}
