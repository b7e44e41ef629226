using System.Threading.Channels;
using Gatehouse.Console;
using Gatehouse.Fence;
using Gatehouse.Home;
using Gatehouse.See;
using Gatehouse.Wire;

namespace Gatehouse.Commands;

/// <summary>The fence's counters in the console's words.</summary>
internal sealed class CountsOfTheFence(FenceService fence) : IFenceCounters
{
    public FenceCount Of(MacAddress thing)
    {
        var tally = fence.Counters().Of(thing);
        return new FenceCount(tally.Passed.Packets, tally.Blocked.Packets + tally.Forged.Packets + tally.CutOff.Packets + tally.Throttled.Packets);
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
