using Gatehouse.Wire;

namespace Gatehouse.Console;

/// <summary>What Watch counted of each Thing, per second, for charts.</summary>
public interface ITrafficHistory
{
    /// <summary>The last <paramref name="seconds"/> whole seconds (at most 600), oldest first, without holes; empty for a Thing never seen.</summary>
    IReadOnlyList<TrafficSecond> Of(MacAddress thing, int seconds);
}

/// <summary>One second of one Thing. <paramref name="Blocked"/> counts packets from it that its policy let go nowhere.</summary>
/// <param name="At">When the second began.</param>
public readonly record struct TrafficSecond(DateTimeOffset At, long PacketsOut, long BytesOut, long PacketsIn, long BytesIn, long Blocked);

/// <summary>What the fence counted of each Thing.</summary>
public interface IFenceCounters
{
    FenceCount Of(MacAddress thing);
}

/// <summary>Packets since the fence went up.</summary>
public readonly record struct FenceCount(long Passed, long Blocked);

/// <summary>Nothing counted: where Watch is switched off, or no fence is up.</summary>
public sealed class NothingCounted : ITrafficHistory, IFenceCounters
{
    public IReadOnlyList<TrafficSecond> Of(MacAddress thing, int seconds) => [];
    FenceCount IFenceCounters.Of(MacAddress thing) => default;
}
