using System.Collections.Immutable;
using System.Net;
using System.Threading.Channels;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>
/// Reads the packets of the home's interface on a thread of its own, and writes what the engine concludes into the record, with the reaction.
/// </summary>
/// <param name="also">Somebody else who wants the same packets, on the same thread; or null.</param>
public sealed partial class WatchService(
    HomeRecord record, string lanInterface, IReadOnlyList<IPNetwork> lanPrefixes, ILogger<WatchService> logger, IFrameConsumer? also = null)
{
    /// <summary>Memory of the packet ring, in bytes: about 40 ms of a gigabit's worth of full frames.</summary>
    public const int RingBytes = 4 * 1024 * 1024;

    /// <summary>Verdicts on their way to the record. At the bound the oldest goes; the finding's next update brings it again.</summary>
    private const int MaxVerdictsWaiting = 256;

    private static readonly TimeSpan PollTimeout = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan HousekeepingEvery = TimeSpan.FromSeconds(5);

    private readonly WatchEngine _engine = new([.. lanPrefixes]);
    private Channel<Verdict> _verdicts = NewQueue();
    private readonly Dictionary<(MacAddress Mac, string Rule), bool> _open = [];
    private long _received;
    private long _dropped;

    /// <summary>Traffic per Thing for the last ten minutes.</summary>
    public Traffic Traffic => _engine.Traffic;

    /// <summary>Packets read, and packets the kernel had no room for.</summary>
    public (long Received, long Dropped) Counts => (Interlocked.Read(ref _received), Interlocked.Read(ref _dropped));

    /// <summary>Watches until cancelled.</summary>
    /// <exception cref="PacketRingException">The interface is missing or went away.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var ring = PacketRing.Open(lanInterface, RingBytes);
        WatchStarted(logger, lanInterface);

        // A queue for each run: the one before was completed when its interface went away, and would carry no verdict any more.
        _verdicts = NewQueue();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reading = Task.Factory.StartNew(() => ReadPackets(ring, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await WriteVerdictsAsync(reading, stop.Token);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Asked to end: the findings stay open in the record, and are looked after at the next start.
        }
        finally
        {
            await stop.CancelAsync();
            await reading;
        }
    }

    private static Channel<Verdict> NewQueue() => Channel.CreateBounded<Verdict>(
        new BoundedChannelOptions(MaxVerdictsWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true, SingleWriter = true });

    private void ReadPackets(PacketRing ring, CancellationToken cancellationToken)
    {
        ImmutableDictionary<MacAddress, Thing>? known = null;
        var consumer = new Both(_engine, also);
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                known = LearnClasses(known);
                if (ring.Poll(ref consumer, PollTimeout) == 0) _engine.Tick(NowNanoseconds());
                while (_engine.TryTakeVerdict(out var verdict)) _verdicts.Writer.TryWrite(verdict);

                ring.UpdateDropped();
                Interlocked.Exchange(ref _received, ring.Received);
                Interlocked.Exchange(ref _dropped, ring.Dropped);
            }
        }
        finally
        {
            _verdicts.Writer.TryComplete();
        }
    }

    private ImmutableDictionary<MacAddress, Thing> LearnClasses(ImmutableDictionary<MacAddress, Thing>? known)
    {
        var things = record.Current.Things;
        if (ReferenceEquals(things, known)) return things;

        foreach (var thing in things.Values)
        {
            if (known is null || known.GetValueOrDefault(thing.Mac)?.Class != thing.Class) _engine.SetClass(thing.Mac, thing.Class);
        }

        return things;
    }

    private long NowNanoseconds() => (record.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;

    private async Task WriteVerdictsAsync(Task reading, CancellationToken cancellationToken)
    {
        var started = record.Time.GetUtcNow();
        while (!reading.IsCompleted)
        {
            while (_verdicts.Reader.TryRead(out var verdict)) await WriteAsync(verdict, cancellationToken);
            await EndStaleAsync(started, cancellationToken);
            await WaitForVerdictAsync(cancellationToken);
        }

        await reading; // brings the reader's exception
    }

    private async Task WaitForVerdictAsync(CancellationToken cancellationToken)
    {
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        soon.CancelAfter(HousekeepingEvery);
        try
        {
            await _verdicts.Reader.WaitToReadAsync(soon.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Time for housekeeping.
        }
    }

    private async Task WriteAsync(Verdict verdict, CancellationToken cancellationToken)
    {
        var rule = Rule.Of(verdict.Rule);
        var now = record.Time.GetUtcNow();
        var open = FindOpen(record.Current, verdict.Mac, rule.Name);
        _open[(verdict.Mac, rule.Name)] = verdict.What != VerdictKind.Ended;

        Change? change = (verdict.What, open) switch
        {
            (VerdictKind.Ended, null) => null,
            (VerdictKind.Ended, { } ended) => new FindingEnded(ended.Id) { At = now },
            (_, { } same) => new FindingUpdated(same.Id, verdict.Certainty, VerdictText.SentenceOf(verdict), VerdictText.EvidenceOf(verdict)) { At = now },
            _ => new FindingOpened(verdict.Mac, rule.Name, rule.Kind, verdict.Certainty, VerdictText.SentenceOf(verdict), VerdictText.EvidenceOf(verdict)) { At = now },
        };
        if (change is null) return;

        var state = await record.ApplyAsync(change, cancellationToken);
        if (verdict.What != VerdictKind.Ended) FindingRaised(logger, verdict.Mac, rule.Name, verdict.Certainty, verdict.Count);
        var finding = open is null ? FindOpen(state, verdict.Mac, rule.Name) : state.Findings.GetValueOrDefault(open.Id);
        if (finding is not null) await ReactAsync(state, finding, cancellationToken);
    }

    private async Task ReactAsync(HomeState state, Finding finding, CancellationToken cancellationToken)
    {
        if (Reaction.To(state, finding, record.Time.GetUtcNow()) is not { } restraint) return;
        await record.ApplyAsync(restraint, cancellationToken);
        ThingRestrained(logger, restraint.Mac, restraint.Restraint, finding.Rule);
    }

    /// <summary>Ends findings that this run does not hold open: from before a restart, or whose end was lost at a bound.</summary>
    private async Task EndStaleAsync(DateTimeOffset started, CancellationToken cancellationToken)
    {
        var now = record.Time.GetUtcNow();
        foreach (var finding in record.Current.OpenFindings)
        {
            var rule = Rule.All.FirstOrDefault(rule => rule.Name == finding.Rule);
            var quiet = rule?.Quiet ?? TimeSpan.Zero;
            if (_open.GetValueOrDefault((finding.Thing, finding.Rule)) || now - started < quiet || now - finding.Updated < quiet) continue;

            var state = await record.ApplyAsync(new FindingEnded(finding.Id) { At = now }, cancellationToken);
            if (state.Findings.GetValueOrDefault(finding.Id) is { } ended) await ReactAsync(state, ended, cancellationToken);
        }
    }

    private static Finding? FindOpen(HomeState state, MacAddress mac, string rule) =>
        state.Findings.Values.FirstOrDefault(finding => finding.Thing == mac && finding.Rule == rule && finding.Ended is null);

    /// <summary>Gives each frame to the engine and to whoever else wants it.</summary>
    private readonly struct Both(WatchEngine engine, IFrameConsumer? also) : IFrameConsumer
    {
        public void Take(in Frame frame)
        {
            engine.Take(frame);
            also?.Take(frame);
        }
    }
}
