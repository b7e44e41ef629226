using System.Threading.Channels;
using Gatehouse.Console;
using Gatehouse.Fence;
using Gatehouse.Home;
using Gatehouse.See;
using Gatehouse.Watch;
using Gatehouse.Wire;
using TrafficSecond = Gatehouse.Console.TrafficSecond;

namespace Gatehouse.Commands;

/// <summary>The fence's counters in the console's words.</summary>
internal sealed class CountsOfTheFence(FenceService fence) : IFenceCounters
{
    public FenceCount Of(MacAddress thing)
    {
        var tally = fence.Counters().Of(thing);
        return new FenceCount(tally.Passed.Packets, Stopped(tally));
    }

    public static long Stopped(FenceTally tally) => tally.Blocked.Packets + tally.Forged.Packets + tally.CutOff.Packets + tally.Throttled.Packets;
}

/// <summary>Watch's traffic history in the console's words, with what the fence stopped added second by second.</summary>
/// <param name="traffic">Null where detection is off: then nothing is counted.</param>
internal sealed class TrafficOfThings(HomeRecord record, Traffic? traffic, FenceService fence) : ITrafficHistory
{
    private readonly Dictionary<MacAddress, long> _stopped = [];

    public IReadOnlyList<TrafficSecond> Of(MacAddress thing, int seconds)
    {
        if (traffic?.Of(thing) is not { Count: > 0 } counted) return [];

        var last = record.Time.GetUtcNow().ToUnixTimeSeconds() - 1;
        var first = Math.Max(last - seconds + 1, counted[0].Second);
        var bySecond = counted.ToDictionary(second => second.Second);
        var history = new List<TrafficSecond>();
        for (var second = first; second <= last; second++)
        {
            var count = bySecond.GetValueOrDefault(second);
            history.Add(new TrafficSecond(DateTimeOffset.FromUnixTimeSeconds(second),
                count.PacketsOut, (long)count.BytesOut, count.PacketsIn, (long)count.BytesIn, count.Dropped));
        }

        return history;
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var everySecond = new PeriodicTimer(TimeSpan.FromSeconds(1), record.Time);
        while (traffic is not null && await everySecond.WaitForNextTickAsync(cancellationToken))
        {
            var second = record.Time.GetUtcNow().ToUnixTimeSeconds() - 1;
            foreach (var (mac, tally) in fence.Counters().Things)
            {
                var stopped = CountsOfTheFence.Stopped(tally);
                if (_stopped.TryGetValue(mac, out var before) && stopped > before) traffic.AddDropped(mac, second, (uint)Math.Min(stopped - before, uint.MaxValue));
                _stopped[mac] = stopped;
            }
        }

        await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}

/// <summary>What the page of fenced devices sees, told to See; a wish to be let out becomes a question to the owner.</summary>
internal sealed class VisitsOfFencedDevices(HomeRecord record, FenceService fence, SightingQueue sightings)
{
    // Wishes beyond this many are dropped: the page is still there, and one press more asks again.
    private readonly Channel<MacAddress> _wishes = Channel.CreateBounded<MacAddress>(new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Report(FencedVisit visit)
    {
        if (fence.Identify(visit.Peer.IsIPv4MappedToIPv6 ? visit.Peer.MapToIPv4() : visit.Peer) is not { } mac) return;

        sightings.Add(Sighting.FromHttpRequest(mac,
            [new("User-Agent", visit.UserAgent), new("Accept-Language", visit.AcceptLanguage), new("Accept", visit.Accept), new("Host", visit.Host)],
            record.Time.GetUtcNow()));
        if (visit.AsksToBeLetOut) _wishes.Writer.TryWrite(mac);
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var mac in _wishes.Reader.ReadAllAsync(cancellationToken))
        {
            var name = record.Current.Find(mac)?.HostName ?? mac.ToString();
            await record.ApplyAsync(new QuestionAsked(mac, QuestionKind.IsComputer, name, [], "Somebody at this device pressed: this is my computer.") { At = record.Time.GetUtcNow() }, cancellationToken);
        }
    }
}
