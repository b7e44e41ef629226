using Gatehouse.Mend.Drivers;
using Gatehouse.Packs;

namespace Gatehouse.Mend;

/// <summary>Looks at one Thing from outside: its version by its driver, its health by its pack.</summary>
internal sealed class ThingObserver(IDeviceDriver driver, DeviceLink link, Pack pack, TimeProvider time)
{
    /// <summary>Time between two looks while something is awaited.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    /// <param name="tolerated">A fault that was there before the update and is not held against it.</param>
    public async Task<Observation> LookAsync(string? tolerated, CancellationToken cancellationToken)
    {
        try
        {
            var version = await driver.ReadVersionAsync(link, cancellationToken);
            var fault = await HealthProbe.FaultOfAsync(link, pack.Health, cancellationToken);
            return new(version, fault == tolerated ? null : fault);
        }
        catch (Exception silent) when (silent is DeviceUnreachableException or DeviceRefusedException)
        {
            return Observation.Silence with { Fault = silent.Message };
        }
    }

    /// <summary>Looks until <paramref name="isEnough"/> says so or <paramref name="limit"/> is over; gives the last look.</summary>
    public async Task<Observation> WatchAsync(TimeSpan limit, string? tolerated, Func<TimeSpan, Observation, bool> isEnough, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            var look = await LookAsync(tolerated, cancellationToken);
            var elapsed = time.GetElapsedTime(start);
            if (isEnough(elapsed, look) || elapsed >= limit) return look;
            await Task.Delay(LookInterval, time, cancellationToken);
        }
    }
}
