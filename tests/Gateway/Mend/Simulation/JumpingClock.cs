namespace Gatehouse.Tests.Gateway.Mend.Simulation;

/// <summary>The gateway was stopped by force.</summary>
public sealed class KilledException() : Exception("killed");

/// <summary>
/// A clock that does not wait: whoever waits on it moves it. Each look at the time stands before a write of the part under test, so refusing one
/// look is a kill between two writes.
/// </summary>
public sealed class JumpingClock : TimeProvider
{
    private readonly Lock _lock = new();
    private DateTimeOffset _now = DateTimeOffset.UtcNow;

    /// <summary>Looks at the time so far.</summary>
    public int Looks { get; private set; }

    /// <summary>The look that is refused, and all after it; 0 for none.</summary>
    public int KillAtLook { get; set; }

    /// <summary>Called whenever the clock moves, with the new time.</summary>
    public Action<DateTimeOffset>? Moved { get; set; }

    /// <summary>The time, for the simulation itself.</summary>
    public DateTimeOffset Now
    {
        get
        {
            lock (_lock) return _now;
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            Looks++;
            if (KillAtLook > 0 && Looks >= KillAtLook) throw new KilledException();
            return _now;
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now.Ticks;

    public void Advance(TimeSpan by)
    {
        lock (_lock) _now += by;
        Moved?.Invoke(Now);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        // Whoever waits that long waits for something else: the next poll is not what a test is about.
        if (dueTime >= TimeSpan.FromMinutes(30)) return new NoTimer();
        if (dueTime > TimeSpan.Zero) Advance(dueTime);
        if (dueTime != Timeout.InfiniteTimeSpan) ThreadPool.QueueUserWorkItem(_ => callback(state));
        return new NoTimer();
    }

    private sealed class NoTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => false;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
