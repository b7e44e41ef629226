using System.Collections.Immutable;
using Gatehouse.Fence.Kernel;
using Gatehouse.Wire;

namespace Gatehouse.Fence;

/// <summary>What the kernel let pass and stopped of one device, since the gateway came up or a day after it was last seen.</summary>
/// <param name="Passed">Let out under a permission, in packets of the connections it opened and of answers it gave.</param>
/// <param name="Blocked">Not allowed anywhere: the default. In watch-only mode: what would have been.</param>
/// <param name="Forged">Sent with an address that is not its own.</param>
/// <param name="CutOff">Stopped because it is cut off.</param>
/// <param name="Throttled">Beyond the rate it is held to.</param>
public readonly record struct FenceTally(Tally Passed, Tally Blocked, Tally Forged, Tally CutOff, Tally Throttled);

/// <summary>The fence's counters at one moment, per device.</summary>
public sealed record FenceCounters(ImmutableDictionary<MacAddress, FenceTally> Things)
{
    public static FenceCounters Empty { get; } = new(ImmutableDictionary<MacAddress, FenceTally>.Empty);

    public FenceTally Of(MacAddress mac) => Things.GetValueOrDefault(mac);
}
