namespace Gatehouse.Console.Entry;

/// <summary>
/// How fast somebody may guess. Each browser that once signed in has a bucket of its own; unknown browsers share the bucket of the place they come
/// from, which behind a proxy is the same for all. So whoever uses up the tries of strangers never locks out a browser the owner has used before.
/// </summary>
internal sealed class TryLimit(TimeProvider time)
{
    /// <summary>Tries at once.</summary>
    public const int Burst = 10;

    /// <summary>How long it takes until one more try is there.</summary>
    public static readonly TimeSpan Refill = TimeSpan.FromSeconds(10);

    /// <summary>Buckets kept. When they are full the fullest, which tell least, are forgotten.</summary>
    public const int MaxBuckets = 512;

    private readonly Dictionary<string, (double Left, DateTimeOffset At)> _buckets = [];
    private readonly Lock _lock = new();

    /// <summary>Takes one try of <paramref name="bucket"/>; false when none is left.</summary>
    public bool TryTake(string bucket)
    {
        lock (_lock)
        {
            var left = Left(bucket);
            if (left < 1) return false;

            if (_buckets.Count >= MaxBuckets) Forget();
            _buckets[bucket] = (left - 1, time.GetUtcNow());
            return true;
        }
    }

    /// <summary>A right answer gives the tries back.</summary>
    public void Restore(string bucket)
    {
        lock (_lock) _buckets.Remove(bucket);
    }

    private double Left(string bucket) => _buckets.TryGetValue(bucket, out var kept)
        ? Math.Min(Burst, kept.Left + (time.GetUtcNow() - kept.At) / Refill)
        : Burst;

    private void Forget()
    {
        foreach (var bucket in _buckets.Keys.OrderByDescending(Left).Take(MaxBuckets / 4).ToList()) _buckets.Remove(bucket);
    }
}
