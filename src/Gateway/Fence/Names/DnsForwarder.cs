using System.Collections.Immutable;
using System.Net;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Names;

/// <summary>
/// Answers the LAN's DNS questions. A computer's are passed on. A Thing gets an answer only for names it may reach, and when it gets one,
/// the way to exactly those addresses is open in the kernel already. Anything else is NXDOMAIN with the reason, and a question to the owner.
/// </summary>
public sealed partial class DnsForwarder
{
    /// <summary>A grant lasts at least this long: Things look a name up once and connect when they please.</summary>
    public static readonly TimeSpan GrantFloor = TimeSpan.FromMinutes(5);

    /// <summary>A grant lasts at most this long past the answer, whatever the answer's own time to live is.</summary>
    public static readonly TimeSpan GrantCap = TimeSpan.FromHours(1);

    /// <summary>Added to every grant, since a Thing may hold an answer a little longer than it should.</summary>
    public static readonly TimeSpan GrantGrace = TimeSpan.FromMinutes(1);

    /// <summary>Addresses of one answer that are opened and passed on; an honest one has a handful.</summary>
    public const int MaxAddresses = 16;

    /// <summary>Answers kept.</summary>
    public const int CacheSize = 4096;

    private readonly HomeRecord _record;
    private readonly FenceService _fence;
    private readonly GatewayNetwork _network;
    private readonly ReachAdviser _adviser;
    private readonly Action<MacAddress, string>? _asked;
    private readonly ILogger<DnsForwarder> _logger;
    private readonly AnswerCache _cache;
    private readonly Upstream _upstream;
    private LocalNames? _localNames;

    /// <param name="adviser">What is known of a name a Thing asks for.</param>
    /// <param name="asked">Told every name a known device asks for; must not block. Null: nobody listens.</param>
    public DnsForwarder(
        HomeRecord record, FenceService fence, GatewayNetwork network, ReachAdviser adviser, Action<MacAddress, string>? asked, ILogger<DnsForwarder> logger)
    {
        (_record, _fence, _network, _adviser, _asked, _logger) = (record, fence, network, adviser, asked, logger);
        _cache = new AnswerCache(CacheSize, record.Time);
        _upstream = new Upstream(network.Upstream, record.Time);
    }

    /// <summary>What the forwarder did so far.</summary>
    public DnsCounters Counters { get; } = new();

    /// <summary>The answer to one question, or null where none is due (it was no question).</summary>
    internal async Task<DnsMessage?> AnswerAsync(IPAddress client, DnsMessage query, CancellationToken cancellationToken)
    {
        if (query.IsResponse) return null;
        if (query.Opcode != 0) return Reply(query, DnsResponseCode.NotImplemented);
        if (query.Questions.Length != 1) return Reply(query, DnsResponseCode.FormatError);
        if (query.Edns is { Version: > 0 }) return Reply(query, DnsResponseCode.NoError, extended: 1); // BADVERS, RFC 6891, 6.1.3
        if (query.Questions[0].Class != DnsQuestion.Internet || query.Questions[0].Type == DnsType.ANY) return Reply(query, DnsResponseCode.Refused);

        var state = _record.Current;
        var mac = _fence.Identify(client);
        var thing = mac is { } known ? state.Find(known) : null;
        if (mac is { } asker) _asked?.Invoke(asker, query.Questions[0].Name.ToLowerString());

        var isOpen = thing is { Class: DeviceClass.Computer } || state.Mode == GuardMode.Watching || state.PanicUntil > _record.Time.GetUtcNow();
        return isOpen ? await AnswerComputerAsync(query, state, cancellationToken) : await AnswerThingAsync(query, state, mac, thing, cancellationToken);
    }

    internal static DnsMessage Reply(
        DnsMessage query, DnsResponseCode code, ImmutableArray<DnsRecord> answers = default, DnsExtendedError? error = null, byte extended = 0) => new()
        {
            Id = query.Id,
            IsResponse = true,
            Opcode = query.Opcode,
            RecursionDesired = query.RecursionDesired,
            RecursionAvailable = true,
            CheckingDisabled = query.CheckingDisabled,
            ResponseCode = code,
            ExtendedResponseCode = extended,
            Questions = query.Questions,
            Answers = answers.IsDefault ? [] : answers,
            Edns = query.Edns is null ? null : new DnsEdns(DnsEdns.UsualPayloadSize, Error: error),
        };

    /// <summary>How long a grant lasts for an answer that may be kept for <paramref name="ttl"/> seconds.</summary>
    internal static TimeSpan GrantLifetime(uint ttl)
    {
        var kept = TimeSpan.FromSeconds(ttl);
        return (kept < GrantFloor ? GrantFloor : kept > GrantCap ? GrantCap : kept) + GrantGrace;
    }

    private async Task<DnsMessage> AnswerComputerAsync(DnsMessage query, HomeState state, CancellationToken cancellationToken)
    {
        var question = query.Questions[0];
        if (LocalNames.IsOurs(question.Name, _network)) return AnswerLocally(query, state);

        var key = new CacheKey(question, query.Edns is { DnssecOk: true }, query.CheckingDisabled);
        if (await AskAsync(key, cancellationToken) is not { } answer) return NoAnswer(query);

        Counters.Forwarded.Add();
        return new DnsMessage
        {
            Id = query.Id,
            IsResponse = true,
            RecursionDesired = query.RecursionDesired,
            RecursionAvailable = true,
            AuthenticData = answer.AuthenticData,
            CheckingDisabled = query.CheckingDisabled,
            ResponseCode = answer.ResponseCode,
            Questions = query.Questions,
            Answers = answer.Answers,
            Authorities = answer.Authorities,
            Additionals = answer.Additionals,
            Edns = query.Edns is null ? null : new DnsEdns(DnsEdns.UsualPayloadSize, DnssecOk: key.DnssecOk, Error: answer.Edns?.Error),
        };
    }

    private DnsMessage AnswerLocally(DnsMessage query, HomeState state)
    {
        var names = Volatile.Read(ref _localNames);
        if (names is null || !ReferenceEquals(names.For.Things, state.Things)) Volatile.Write(ref _localNames, names = LocalNames.From(state, _network));

        var record = names.Find(query.Questions[0], out var exists);
        return Reply(query, exists ? DnsResponseCode.NoError : DnsResponseCode.NameError, record is null ? [] : [record]);
    }

    private async Task<DnsMessage> AnswerThingAsync(DnsMessage query, HomeState state, MacAddress? mac, Thing? thing, CancellationToken cancellationToken)
    {
        var question = query.Questions[0];
        if (mac is not { } asker || NameRules.Find(state, asker, question.Name) is not { } permission)
            return await RefuseAsync(query, state, mac, thing, cancellationToken);

        // IPv6 and service bindings would lead past the grants: there is nothing of that type, says the answer.
        if (question.Type is DnsType.AAAA or DnsType.HTTPS or DnsType.SVCB) return Reply(query, DnsResponseCode.NoError);
        if (await AskAsync(new CacheKey(question, false, false), cancellationToken) is not { } answer) return NoAnswer(query);

        var chain = AnswerChain.Follow(answer, question);
        return question.Type == DnsType.A ? Open(query, answer, chain, permission) : Reply(query, answer.ResponseCode, chain);
    }

    /// <summary>Opens the way to an answer's addresses and gives the answer with exactly those.</summary>
    private DnsMessage Open(DnsMessage query, DnsMessage answer, ImmutableArray<DnsRecord> chain, Permission permission)
    {
        var led = chain.Where(record => record.Data is DnsAddress { Address: var address } && NameRules.MayLeadTo(address, _network)).Take(MaxAddresses).ToList();
        var hasAddresses = chain.Any(record => record.Data is DnsAddress);
        if (led.Count == 0 && hasAddresses)
        {
            Counters.Rebinding.Add();
            LogRebinding(_logger, permission.Thing, query.Questions[0].Name.ToLowerString());
            return Reply(query, DnsResponseCode.NameError, error: new(DnsExtendedErrorCode.Blocked, "Gatehouse: this name leads to an address inside the house, which a Thing may not reach."));
        }

        if (led.Count == 0) return Reply(query, answer.ResponseCode, [.. chain]);

        var lifetime = GrantLifetime(led.Max(record => record.Ttl));
        var outcome = _fence.Grant(permission, [.. led.Select(record => ((DnsAddress)record.Data).Address).Distinct()], lifetime);
        if (outcome != GrantOutcome.Open)
        {
            Counters.NotOpened.Add();
            return Reply(query, DnsResponseCode.ServerFailure, error: new(DnsExtendedErrorCode.Other, "Gatehouse: the way there could not be opened."));
        }

        // A Thing that kept the answer longer than the grant lasts would find the way shut.
        var cap = (uint)GrantCap.TotalSeconds;
        Counters.Opened.Add();
        return Reply(query, DnsResponseCode.NoError,
            [.. chain.Where(record => record.Data is not DnsAddress).Concat(led).Select(record => record with { Ttl = Math.Min(record.Ttl, cap) })]);
    }

    private async Task<DnsMessage> RefuseAsync(DnsMessage query, HomeState state, MacAddress? mac, Thing? thing, CancellationToken cancellationToken)
    {
        Counters.Refused.Add();
        var name = query.Questions[0].Name;
        if (_network.FencedPagePort is not null && NameRules.IsConnectivityCheck(name)) return LeadToPage(query);
        if (thing is null || mac is null || !NameRules.IsWorthAsking(name))
            return Reply(query, DnsResponseCode.NameError, error: new(DnsExtendedErrorCode.Filtered, "Gatehouse: this device may not ask for this name."));

        var text = name.ToLowerString();
        var asked = state.Questions.Values.FirstOrDefault(question => question.Thing == mac && question.Kind == QuestionKind.Reach && question.Subject == text);
        if (asked is { Answer: Answer.No })
            return Reply(query, DnsResponseCode.NameError, error: new(DnsExtendedErrorCode.Blocked, "Gatehouse: the owner of this network said no to this name."));

        if (asked is null && query.Questions[0].Type is DnsType.A or DnsType.AAAA or DnsType.HTTPS) await AskOwnerAsync(thing, text, cancellationToken);
        return Reply(query, DnsResponseCode.NameError, error: new(DnsExtendedErrorCode.Filtered, "Gatehouse: the owner of this network has not allowed this name yet."));
    }

    // The way phones and laptops find the sign-in page of a hotel leads a person to the page that says this device is fenced, and
    // lets See meet the browser. The kernel leads plain web at our address there; there is nothing else a Thing can do with the answer.
    private DnsMessage LeadToPage(DnsMessage query)
    {
        const uint Ttl = 5;
        var question = query.Questions[0];
        ImmutableArray<DnsRecord> answer = question.Type == DnsType.A ? [new(question.Name, DnsType.A, DnsQuestion.Internet, Ttl, new DnsAddress(_network.LanAddress))] : [];
        return Reply(query, DnsResponseCode.NoError, answer, new(DnsExtendedErrorCode.ForgedAnswer, "Gatehouse: this device is fenced."));
    }

    private async Task AskOwnerAsync(Thing thing, string name, CancellationToken cancellationToken)
    {
        var advice = _adviser(thing, name) ?? ReachAdvice.None;
        var ports = advice.Ports.IsDefaultOrEmpty ? Permission.UsualPorts : advice.Ports;
        await _record.ApplyAsync(new QuestionAsked(thing.Mac, QuestionKind.Reach, name, ports, advice.Hint) { At = _record.Time.GetUtcNow() }, cancellationToken);
    }

    private async Task<DnsMessage?> AskAsync(CacheKey key, CancellationToken cancellationToken)
    {
        if (_cache.Find(key) is { } kept)
        {
            Counters.FromCache.Add();
            return kept;
        }

        var answer = await _upstream.AskAsync(key, cancellationToken);
        if (answer is not null) _cache.Add(key, answer);
        return answer;
    }

    private DnsMessage NoAnswer(DnsMessage query)
    {
        Counters.Unanswered.Add();
        return Reply(query, DnsResponseCode.ServerFailure, error: new(DnsExtendedErrorCode.NetworkError, "Gatehouse: the name server on the Internet does not answer."));
    }
}

/// <summary>A number that only grows; any thread may add.</summary>
public sealed class DnsCounter
{
    private long _value;

    public long Value => Interlocked.Read(ref _value);

    internal void Add() => Interlocked.Increment(ref _value);
}

/// <summary>What the forwarder did.</summary>
public sealed class DnsCounters
{
    /// <summary>Computers' questions answered from the Internet.</summary>
    public DnsCounter Forwarded { get; } = new();

    public DnsCounter FromCache { get; } = new();

    /// <summary>Things' answers whose addresses were opened.</summary>
    public DnsCounter Opened { get; } = new();

    /// <summary>Answers not given because the way could not be opened.</summary>
    public DnsCounter NotOpened { get; } = new();

    /// <summary>Things' questions for names they may not reach.</summary>
    public DnsCounter Refused { get; } = new();

    /// <summary>Answers into the house that were kept from a Thing.</summary>
    public DnsCounter Rebinding { get; } = new();

    /// <summary>The upstream server said nothing.</summary>
    public DnsCounter Unanswered { get; } = new();

    /// <summary>Questions that were not read: malformed.</summary>
    public DnsCounter Malformed { get; } = new();

    /// <summary>Questions not taken because the queue, or the asker's share of it, was full.</summary>
    public DnsCounter Overload { get; } = new();
}
