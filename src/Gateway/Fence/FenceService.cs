using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Threading.Channels;
using Gatehouse.Fence.Kernel;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Fence;

/// <summary>How a wish to open a way for a Thing went.</summary>
public enum GrantOutcome
{
    Open,

    /// <summary>The permission was taken back meanwhile.</summary>
    NotPermitted,

    /// <summary>The Thing, or the kernel's set, has as many grants as it may have.</summary>
    Full,

    /// <summary>The kernel refused.</summary>
    Failed,
}

/// <summary>
/// Keeps the kernel's rules what the record says. <see cref="Start"/> puts the fence up before anything else runs; from then on every
/// change of the record is in the kernel within milliseconds. When the process dies the rules stay.
/// </summary>
public sealed partial class FenceService : IDisposable
{
    /// <summary>Grants one Thing may have at once, so that one that asks for ever new names cannot use up the others' room.</summary>
    public const int MaxGrantsPerThing = 1024;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly HomeRecord _record;
    private readonly GatewayNetwork _network;
    private readonly ILogger<FenceService> _logger;
    private readonly Nftables _nftables = new();
    private readonly ChannelReader<Recorded> _changes;
    private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    // Guards the kernel's grants and what is known of them.
    private readonly Lock _lock = new();
    private readonly Dictionary<GrantKey, (uint Mark, DateTimeOffset Until)> _grants = [];
    private ImmutableDictionary<IPAddress, MacAddress> _leases = ImmutableDictionary<IPAddress, MacAddress>.Empty;
    private HomeState? _appliedState;
    private FencePolicy? _appliedPolicy;
    private byte[] _appliedBytes = [];
    private int _unreadable;
    private FenceCounters _counters = FenceCounters.Empty;
    private long _countersReadAt;

    public FenceService(HomeRecord record, GatewayNetwork network, ILogger<FenceService> logger)
    {
        (_record, _network, _logger) = (record, network, logger);
        _changes = record.Subscribe(256);
    }

    /// <summary>Policy changes the kernel refused; the last good rules stayed.</summary>
    public long Failures { get; private set; }

    /// <summary>Policies written to the kernel so far.</summary>
    internal long Applied { get; private set; }

    /// <summary>The state the kernel's rules stand for.</summary>
    internal HomeState? AppliedState => Volatile.Read(ref _appliedState);

    /// <summary>Grants alive now, as far as is known.</summary>
    public int GrantCount
    {
        get
        {
            lock (_lock) return _grants.Count;
        }
    }

    /// <summary>Puts the fence up as the record says, and adopts the grants a former run left in the kernel.</summary>
    /// <exception cref="NftablesException">The kernel refused; there is no fence.</exception>
    public void Start()
    {
        lock (_lock)
        {
            var chains = Chains();
            var adopted = chains.IsEmpty ? [] : NftListing.Grants(List(FenceTable.Grants));
            var policy = Policy();
            try
            {
                Build(policy, replace: chains.Count > 0 && !chains.Contains(FenceTable.VersionChain), adopted);
            }
            catch (NftablesException e) when (!chains.IsEmpty)
            {
                // What stands there is not what this version lays: lay it anew, in one transaction, the grants carried over.
                LogReplaced(_logger, e.Message);
                Build(policy, replace: true, adopted);
            }

            foreach (var grant in adopted) _grants[grant.Key] = (grant.Mark, _record.Time.GetUtcNow() + grant.Timeout);
            LogUp(_logger, _network.Lan, _network.Wan, adopted.Length);
        }

        Apply();
    }

    /// <summary>Follows the record until cancelled. The rules stay as they are then.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var looked = ImmutableDictionary<MacAddress, Thing>.Empty;
        while (!cancellationToken.IsCancellationRequested)
        {
            var wait = ApplyOrLog() ? UntilPanicEnds() : RetryAfter;

            // Whose port it is that a rule opens changes with the addresses.
            if (!ReferenceEquals(looked, _record.Current.Things))
            {
                looked = _record.Current.Things;
                await FindPortForwardsAsync(cancellationToken);
            }

            await WaitAsync(wait, cancellationToken);
        }
    }

    /// <summary>Records the ways in that others' rules open. Each stays open, and is a question once it is known whose it is.</summary>
    internal async Task FindPortForwardsAsync(CancellationToken cancellationToken)
    {
        ImmutableArray<FoundForward> found;
        try
        {
            using var transaction = new NftTransaction();
            transaction.ListRuleset();
            found = PortForwards.Read(_nftables.Run(transaction), out var unreadable);
            if (unreadable > 0 && unreadable != _unreadable) LogUnreadable(_logger, unreadable);
            _unreadable = unreadable;
        }
        catch (NftablesException e)
        {
            LogCountersFailed(_logger, e.Message);
            return;
        }

        foreach (var forward in found.Where(forward => _network.LanPrefix.Contains(forward.Address)))
        {
            var state = _record.Current;
            var thing = OwnerOf(forward.Address, state);
            state = await _record.ApplyAsync(
                new PortForwardFound(forward.Protocol, forward.WanPort, forward.Address.ToString(), forward.ThingPort, thing) { At = _record.Time.GetUtcNow() }, cancellationToken);
            var known = state.PortForwards.Values.FirstOrDefault(known => (known.Protocol, known.WanPort, known.Address, known.ThingPort)
                == (forward.Protocol, forward.WanPort, forward.Address.ToString(), forward.ThingPort));
            if (known is null || thing is not { } mac) continue;

            var hint = $"Port {forward.WanPort} of this house leads to its {new TransportPort(forward.Protocol, forward.ThingPort)}.";
            await _record.ApplyAsync(new QuestionAsked(mac, QuestionKind.PortForward, known.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), [], hint)
            {
                At = _record.Time.GetUtcNow(),
            }, cancellationToken);
        }
    }

    /// <summary>The addresses the gateway gave out; a device has no right to another's. May be called before <see cref="Start"/>.</summary>
    public void SetLeases(ImmutableDictionary<IPAddress, MacAddress> leases)
    {
        Volatile.Write(ref _leases, leases);

        // Before the fence is up there is nothing to bring up to date: Start reads them.
        if (AppliedState is not null && !ApplyOrLog()) _wakes.Writer.TryWrite(true);
    }

    private MacAddress? OwnerOf(IPAddress address, HomeState state) =>
        Volatile.Read(ref _leases).TryGetValue(address, out var lease) ? lease : state.Things.Values.FirstOrDefault(thing => address.Equals(thing.Address))?.Mac;

    /// <summary>Whose address this is, or null: then nobody's, and its owner is a Thing without permissions.</summary>
    public MacAddress? Identify(IPAddress address)
    {
        return OwnerOf(address, _record.Current) ?? Neighbours.Find(_network.Lan, address);
    }

    /// <summary>Opens a Thing's way to addresses a name it may reach leads to. Open in the kernel when this returns.</summary>
    /// <param name="lifetime">How long, from now; an element that lasts longer already is left alone.</param>
    public GrantOutcome Grant(Permission permission, IReadOnlyCollection<IPAddress> addresses, TimeSpan lifetime)
    {
        lock (_lock)
        {
            // Looked at under the lock that taking back needs too: either this sees that it is gone, or the taking back sees this grant.
            if (_record.Current.Permissions.GetValueOrDefault(permission.Id) is not { } current || current.Thing != permission.Thing) return GrantOutcome.NotPermitted;

            var now = _record.Time.GetUtcNow();
            var wanted = (from address in addresses
                          from port in current.Ports
                          where port.Protocol is TransportProtocol.Tcp or TransportProtocol.Udp
                          select new Grant(new(current.Thing, address, port), (uint)current.Id, lifetime))
                .Where(grant => !_grants.TryGetValue(grant.Key, out var known) || known.Mark != grant.Mark || known.Until < now + lifetime).ToList();
            if (wanted.Count == 0) return GrantOutcome.Open;
            if (!HasRoom(current.Thing, wanted.Count, now)) return GrantOutcome.Full;

            return TryWrite(wanted, now);
        }
    }

    /// <summary>The kernel's counters, at most a second old.</summary>
    public FenceCounters Counters()
    {
        lock (_lock)
        {
            if (_countersReadAt != 0 && Stopwatch.GetElapsedTime(_countersReadAt) < TimeSpan.FromSeconds(1)) return _counters;
            try
            {
                var (passed, blocked, forged, cut, throttled) = (Tallies(FenceTable.PassedCount), Tallies(FenceTable.BlockedCount),
                    Tallies(FenceTable.ForgedCount), Tallies(FenceTable.CutCount), Tallies(FenceTable.ThrottledCount));
                _counters = new FenceCounters(passed.Keys.Concat(blocked.Keys).Concat(forged.Keys).Concat(cut.Keys).Concat(throttled.Keys).Distinct()
                    .ToImmutableDictionary(mac => mac, mac => new FenceTally(passed.GetValueOrDefault(mac), blocked.GetValueOrDefault(mac),
                        forged.GetValueOrDefault(mac), cut.GetValueOrDefault(mac), throttled.GetValueOrDefault(mac))));
                _countersReadAt = Stopwatch.GetTimestamp();
            }
            catch (NftablesException e)
            {
                LogCountersFailed(_logger, e.Message);
            }

            return _counters;
        }
    }

    public void Dispose() => _nftables.Dispose();

    private static bool Changed(HomeState before, FencePolicy policyBefore, HomeState after, FencePolicy policy) =>
        !ReferenceEquals(before.Permissions, after.Permissions) || policyBefore.Mode != policy.Mode
        || policyBefore.PanicFor > TimeSpan.Zero != policy.PanicFor > TimeSpan.Zero
        || !policyBefore.CutOff.SequenceEqual(policy.CutOff) || !policyBefore.Computers.SequenceEqual(policy.Computers)
        || !policyBefore.Forwards.SequenceEqual(policy.Forwards);

    private FencePolicy Policy() => FencePolicy.From(_record.Current, _network, Volatile.Read(ref _leases), _record.Time.GetUtcNow());

    private void Build(FencePolicy policy, bool replace, IReadOnlyCollection<Grant> grants)
    {
        using var transaction = new NftTransaction();
        transaction.AddTable();
        if (replace) transaction.DeleteTable();
        FenceTable.WriteRules(transaction, _network);
        FenceTable.WritePolicy(transaction, policy, _network);
        if (replace) transaction.AddElements(FenceTable.Grants, grants, FenceTable.WriteGrant);
        _nftables.Run(transaction);
    }

    /// <summary>Brings the kernel's sets to what the record says now. Nothing is written where nothing changed.</summary>
    private void Apply()
    {
        var endConnections = false;
        lock (_lock)
        {
            var state = _record.Current;
            var policy = Policy();
            using var transaction = new NftTransaction();
            FenceTable.WritePolicy(transaction, policy, _network);
            var bytes = transaction.Json.ToArray();
            if (!bytes.AsSpan().SequenceEqual(_appliedBytes)) _nftables.Run(transaction);

            endConnections = _appliedState is null || _appliedPolicy is null || Changed(_appliedState, _appliedPolicy, state, policy);
            if (endConnections) RemoveGrants(state);
            (_appliedPolicy, _appliedBytes) = (policy, bytes);
            Applied++;
            if (endConnections) EndConnections(state, policy);
            Volatile.Write(ref _appliedState, state);
        }
    }

    private bool ApplyOrLog()
    {
        try
        {
            Apply();
            return true;
        }
        catch (NftablesException e)
        {
            Failures++;
            LogRefused(_logger, e.Message);
            return false;
        }
        catch (IOException e)
        {
            Failures++;
            LogRefused(_logger, e.Message);
            return false;
        }
    }

    private TimeSpan UntilPanicEnds() =>
        _record.Current.PanicUntil is { } until && until > _record.Time.GetUtcNow() ? until - _record.Time.GetUtcNow() + TimeSpan.FromMilliseconds(50) : Timeout.InfiniteTimeSpan;

    private async Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = wait == Timeout.InfiniteTimeSpan ? null : _record.Time.CreateTimer(_ => _wakes.Writer.TryWrite(true), null, wait, Timeout.InfiniteTimeSpan);
        var change = _changes.WaitToReadAsync(limited.Token).AsTask();
        var wake = _wakes.Reader.WaitToReadAsync(limited.Token).AsTask();
        await Task.WhenAny(change, wake);
        await limited.CancelAsync();
        await Task.WhenAll(change, wake).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

        // What matters is the state now; the changes in between are in it.
        while (_changes.TryRead(out _)) { }
        while (_wakes.Reader.TryRead(out _)) { }
    }

    private bool HasRoom(MacAddress thing, int more, DateTimeOffset now)
    {
        if (_grants.Count + more > FenceTable.MaxGrants / 2 || _grants.Keys.Count(key => key.Mac == thing) + more > MaxGrantsPerThing)
        {
            foreach (var expired in _grants.Where(grant => grant.Value.Until < now).Select(grant => grant.Key).ToList()) _grants.Remove(expired);
        }

        return _grants.Count + more <= FenceTable.MaxGrants && _grants.Keys.Count(key => key.Mac == thing) + more <= MaxGrantsPerThing;
    }

    private GrantOutcome TryWrite(List<Grant> wanted, DateTimeOffset now)
    {
        try
        {
            Write(wanted);
        }
        catch (NftablesException e)
        {
            LogGrantFailed(_logger, wanted[0].Key.Mac, e.Message);
            return e.IsFull ? GrantOutcome.Full : GrantOutcome.Failed;
        }

        foreach (var grant in wanted) _grants[grant.Key] = (grant.Mark, now + grant.Timeout);
        return GrantOutcome.Open;
    }

    // Adding again refreshes an element's time on new kernels only, so a known one is deleted and added in one transaction. One that
    // expired a moment ago cannot be deleted, and the whole transaction fails: then each is done by itself.
    private void Write(List<Grant> wanted)
    {
        var known = wanted.Where(grant => _grants.ContainsKey(grant.Key)).Select(grant => grant with { Mark = _grants[grant.Key].Mark }).ToList();
        using var transaction = new NftTransaction();
        transaction.DeleteElements(FenceTable.Grants, known, FenceTable.WriteGrantKey);
        transaction.AddElements(FenceTable.Grants, wanted, FenceTable.WriteGrant);
        try
        {
            _nftables.Run(transaction);
        }
        catch (NftablesException) when (known.Count > 0)
        {
            foreach (var grant in known) Delete(grant);
            using var plain = new NftTransaction();
            plain.AddElements(FenceTable.Grants, wanted, FenceTable.WriteGrant);
            _nftables.Run(plain);
        }
    }

    private void Delete(Grant grant)
    {
        try
        {
            using var transaction = new NftTransaction();
            transaction.DeleteElements(FenceTable.Grants, [grant], FenceTable.WriteGrantKey);
            _nftables.Run(transaction);
        }
        catch (NftablesException e) when (e.IsNotFound)
        {
            // It expired by itself: what was wanted.
        }
    }

    /// <summary>Takes grants back whose permission is gone, or no longer opens that port.</summary>
    private void RemoveGrants(HomeState state)
    {
        foreach (var (key, (mark, until)) in _grants.ToList())
        {
            if (state.Permissions.TryGetValue(mark, out var permission) && permission.Thing == key.Mac && permission.Ports.Contains(key.Port)) continue;
            if (until > _record.Time.GetUtcNow() - TimeSpan.FromSeconds(2)) Delete(new(key, mark, TimeSpan.Zero));
            _grants.Remove(key);
        }
    }

    /// <summary>Ends what is open and no longer allowed.</summary>
    private void EndConnections(HomeState state, FencePolicy policy)
    {
        var judge = new ConnectionJudge(state, policy, _network);
        var ended = 0;
        using var netlink = new Netlink(Netlink.Netfilter);
        foreach (var connection in Conntrack.List())
        {
            if (!judge.MayStay(connection) && Conntrack.TryDelete(netlink, connection)) ended++;
        }

        if (ended > 0) LogEnded(_logger, ended);
    }

    private ImmutableHashSet<string> Chains()
    {
        using var transaction = new NftTransaction();
        transaction.ListChains();
        return NftListing.Chains(_nftables.Run(transaction));
    }

    private string List(NftSet set)
    {
        using var transaction = new NftTransaction();
        transaction.ListSet(set);
        return _nftables.Run(transaction);
    }

    private ImmutableDictionary<MacAddress, Tally> Tallies(NftSet set) => NftListing.Tallies(List(set));
}
