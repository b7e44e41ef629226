using System.Collections.Immutable;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Names;

/// <summary>What an answer depends on besides the name.</summary>
internal readonly record struct CacheKey(DnsQuestion Question, bool DnssecOk, bool CheckingDisabled);

/// <summary>Answers that are still good. Bounded: the least recently used goes first.</summary>
internal sealed class AnswerCache(int capacity, TimeProvider time)
{
    /// <summary>The longest an answer is kept, whatever it says.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromHours(6);

    /// <summary>The longest "there is no such name" is kept (RFC 2308, 5 allows hours; a Thing just set up should not wait for them).</summary>
    public static readonly TimeSpan MaxNegativeAge = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<CacheKey, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byUse = new();

    public int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <summary>The answer with its times to live counted down, or null.</summary>
    public DnsMessage? Find(CacheKey key)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var node)) return null;

            var age = time.GetUtcNow() - node.Value.At;
            if (age >= node.Value.Life)
            {
                Remove(node);
                return null;
            }

            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return Aged(node.Value.Answer, (uint)age.TotalSeconds);
        }
    }

    public void Add(CacheKey key, DnsMessage answer)
    {
        var life = LifeOf(answer);
        if (life <= TimeSpan.Zero) return;
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var old)) Remove(old);
            while (_entries.Count >= capacity) Remove(_byUse.Last!);
            _entries[key] = _byUse.AddFirst(new Entry(key, answer, time.GetUtcNow(), life));
        }
    }

    internal static TimeSpan LifeOf(DnsMessage answer)
    {
        if (answer.IsTruncated || answer.ResponseCode is not (DnsResponseCode.NoError or DnsResponseCode.NameError)) return TimeSpan.Zero;
        if (answer.Answers.IsEmpty || answer.ResponseCode == DnsResponseCode.NameError)
        {
            // RFC 2308, 5: without an SOA a negative answer is not kept.
            var soa = answer.Authorities.FirstOrDefault(record => record.Type == DnsType.SOA);
            return soa?.Data is DnsStartOfAuthority { Minimum: var minimum } ? Min(TimeSpan.FromSeconds(Math.Min(soa.Ttl, minimum)), MaxNegativeAge) : TimeSpan.Zero;
        }

        return Min(TimeSpan.FromSeconds(answer.Answers.Min(record => record.Ttl)), MaxAge);
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;

    private static DnsMessage Aged(DnsMessage answer, uint seconds) => new()
    {
        IsResponse = true,
        RecursionAvailable = answer.RecursionAvailable,
        AuthenticData = answer.AuthenticData,
        ResponseCode = answer.ResponseCode,
        Questions = answer.Questions,
        Answers = Aged(answer.Answers, seconds),
        Authorities = Aged(answer.Authorities, seconds),
        Additionals = Aged(answer.Additionals, seconds),
    };

    private static ImmutableArray<DnsRecord> Aged(ImmutableArray<DnsRecord> records, uint seconds) =>
        [.. from record in records select record with { Ttl = record.Ttl > seconds ? record.Ttl - seconds : 0 }];

    private void Remove(LinkedListNode<Entry> node)
    {
        _byUse.Remove(node);
        _entries.Remove(node.Value.Key);
    }

    private sealed record Entry(CacheKey Key, DnsMessage Answer, DateTimeOffset At, TimeSpan Life);
}
