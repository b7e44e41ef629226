using System.Collections.Concurrent;
using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>What passed in one second, seen from the Thing.</summary>
public readonly record struct TrafficSecond(long Second, uint PacketsOut, uint PacketsIn, ulong BytesOut, ulong BytesIn, uint Dropped);

/// <summary>Traffic per Thing and second for the last ten minutes. Written by the engine once a second, read by anybody.</summary>
public sealed class Traffic
{
    private readonly ConcurrentDictionary<MacAddress, TrafficHistory> _things = new();

    /// <summary>The last ten minutes of a Thing, oldest first; seconds without traffic are left out. Empty for one never seen.</summary>
    public IReadOnlyList<TrafficSecond> Of(MacAddress mac) => _things.TryGetValue(mac, out var history) ? history.Read() : [];

    /// <summary>Adds what the fence stopped of a Thing in one second.</summary>
    public void AddDropped(MacAddress mac, long second, uint packets)
    {
        if (_things.TryGetValue(mac, out var history)) history.AddDropped(second, packets);
    }

    internal void Add(MacAddress mac, TrafficHistory history) => _things[mac] = history;

    internal void Remove(MacAddress mac) => _things.TryRemove(mac, out _);
}

/// <summary>Ten minutes of one Thing, in a ring of seconds.</summary>
internal sealed class TrafficHistory
{
    public const int Seconds = 600;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly Lock _lock = new();
    private readonly TrafficSecond[] _ring = new TrafficSecond[Seconds];
    private long _second;
    private long _secondEnds;
    private uint _packetsOut;
    private uint _packetsIn;
    private ulong _bytesOut;
    private ulong _bytesIn;

    public void CountOut(long now, int bytes)
    {
        if (now >= _secondEnds || now < _secondEnds - NanosecondsPerSecond) Turn(now);
        _packetsOut++;
        _bytesOut += (uint)bytes;
    }

    public void CountIn(long now, int bytes)
    {
        if (now >= _secondEnds || now < _secondEnds - NanosecondsPerSecond) Turn(now);
        _packetsIn++;
        _bytesIn += (uint)bytes;
    }

    /// <summary>Writes a second that is over into the ring.</summary>
    public void Turn(long now)
    {
        lock (_lock)
        {
            if (_packetsOut + _packetsIn > 0)
            {
                ref var slot = ref _ring[_second % Seconds];
                slot = new(_second, _packetsOut, _packetsIn, _bytesOut, _bytesIn, slot.Second == _second ? slot.Dropped : 0);
            }
        }

        _second = now / NanosecondsPerSecond;
        _secondEnds = (_second + 1) * NanosecondsPerSecond;
        (_packetsOut, _packetsIn, _bytesOut, _bytesIn) = (0, 0, 0, 0);
    }

    public void AddDropped(long second, uint packets)
    {
        lock (_lock)
        {
            ref var slot = ref _ring[second % Seconds];
            slot = slot.Second == second ? slot with { Dropped = slot.Dropped + packets } : new(second, 0, 0, 0, 0, packets);
        }
    }

    public IReadOnlyList<TrafficSecond> Read()
    {
        lock (_lock)
        {
            var newest = _ring.Max(second => second.Second);
            return [.. _ring.Where(second => second.Second > newest - Seconds && second.Second > 0).OrderBy(second => second.Second)];
        }
    }
}
