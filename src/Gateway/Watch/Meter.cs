namespace Gatehouse.Watch;

/// <summary>
/// A CUSUM over weighted events: the level rises by each event's weight, falls by <c>drift</c> per second, never below zero. A level above
/// a limit says that the rate has been above the drift for long enough that chance is no explanation, and since when: since the level last was zero.
/// </summary>
/// <remarks>E. S. Page, Continuous Inspection Schemes, Biometrika 41 (1954). The reference value is the drift, the decision interval the limit.</remarks>
internal struct Meter
{
    private const double NanosecondsPerSecond = 1e9;

    private long _last;

    public double Level { get; private set; }

    /// <summary>Events since the level was zero.</summary>
    public long Count { get; private set; }

    /// <summary>When the level was zero last, in nanoseconds.</summary>
    public long Since { get; private set; }

    /// <summary>Counts one event.</summary>
    /// <param name="ceiling">The level stays at or below this, so that it falls soon when the events stop.</param>
    public void Add(long now, double weight, double driftPerSecond, double ceiling)
    {
        Fall(now, driftPerSecond);
        if (Level <= 0) (Since, Count) = (now, 0);
        Level = Math.Clamp(Level + weight, 0, ceiling);
        Count++;
    }

    /// <summary>Takes back what an event added: it turned out harmless.</summary>
    public void Forgive(double weight) => Level = Math.Max(0, Level - weight);

    /// <summary>The level at a moment.</summary>
    public double LevelAt(long now, double driftPerSecond)
    {
        Fall(now, driftPerSecond);
        return Level;
    }

    // Time may run backwards (a second capture, a corrected clock): then nothing falls, and the clock starts anew.
    private void Fall(long now, double driftPerSecond)
    {
        if (now > _last) Level = Math.Max(0, Level - (now - _last) / NanosecondsPerSecond * driftPerSecond);
        _last = now;
    }
}
