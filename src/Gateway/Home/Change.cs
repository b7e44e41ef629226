using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Serialization;
using Gatehouse.Wire;

namespace Gatehouse.Home;

/// <summary>
/// One thing that happened to the record. <see cref="Apply"/> is pure; <see cref="HomeRecord"/> stores the outcome and a journal line
/// with <see cref="Describe"/> in one transaction, so the journal explains every state the record was ever in.
/// </summary>
/// <remarks>A new kind of change: one record below, one line of <see cref="JsonDerivedTypeAttribute"/>, its test.</remarks>
[JsonDerivedType(typeof(ThingSeen), "thing.seen")]
[JsonDerivedType(typeof(ThingIdentified), "thing.identified")]
[JsonDerivedType(typeof(ThingNamed), "thing.named")]
[JsonDerivedType(typeof(ClassChosen), "thing.class-chosen")]
[JsonDerivedType(typeof(RestraintSet), "thing.restrained")]
[JsonDerivedType(typeof(QuestionAsked), "question.asked")]
[JsonDerivedType(typeof(QuestionAnswered), "question.answered")]
[JsonDerivedType(typeof(PermissionGranted), "permission.granted")]
[JsonDerivedType(typeof(PermissionRevoked), "permission.revoked")]
[JsonDerivedType(typeof(PortForwardFound), "forward.found")]
[JsonDerivedType(typeof(PortForwardSet), "forward.set")]
[JsonDerivedType(typeof(FindingOpened), "finding.opened")]
[JsonDerivedType(typeof(FindingUpdated), "finding.updated")]
[JsonDerivedType(typeof(FindingEnded), "finding.ended")]
[JsonDerivedType(typeof(OfferMade), "offer.made")]
[JsonDerivedType(typeof(OfferRefused), "offer.refused")]
[JsonDerivedType(typeof(UpdateBegun), "update.begun")]
[JsonDerivedType(typeof(UpdateStepped), "update.stepped")]
[JsonDerivedType(typeof(ModeSet), "gateway.mode")]
[JsonDerivedType(typeof(PanicSet), "gateway.panic")]
[JsonDerivedType(typeof(Noted), "note")]
public abstract record Change
{
    /// <summary>When it happened, by the gateway's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The Thing it is about, or null.</summary>
    [JsonIgnore]
    public virtual MacAddress? About => null;

    /// <summary>The same, for changes that name a question, a finding… of a Thing: the journal line is filed under that Thing.</summary>
    public virtual MacAddress? AboutIn(HomeState before) => About;

    /// <summary>The state after this change; the same instance when it changes nothing, and then nothing is written.</summary>
    public abstract HomeState Apply(HomeState state);

    /// <summary>What happened, in one sentence for the owner. A Thing's own text in it is quoted, never trusted.</summary>
    public abstract string Describe(HomeState before);

    /// <summary>A computer is let out: what was asked about it in its first seconds, before it was known, needs no answer any more.</summary>
    protected static HomeState WithoutIdleQuestions(HomeState state, MacAddress mac) => state.Find(mac) is not { Class: DeviceClass.Computer } ? state : state with
    {
        Questions = state.Questions.RemoveRange(
            from question in state.Questions.Values
            where question.Thing == mac && question.Answer == Answer.None && question.Kind is (QuestionKind.Reach or QuestionKind.IsComputer)
            select question.Id),
    };

    protected static string NameOf(HomeState state, MacAddress mac) => state.Find(mac)?.DisplayName ?? mac.ToString();
}

/// <summary>A frame or a lease showed a device, for the first time or with another address or host name.</summary>
public sealed record ThingSeen(MacAddress Mac, IPAddress? Address, string? HostName) : Change
{
    public override MacAddress? About => Mac;

    public override HomeState Apply(HomeState state)
    {
        var thing = state.Find(Mac) ?? new Thing { Mac = Mac, FirstSeen = At, LastSeen = At };
        var next = thing with { Address = Address ?? thing.Address, HostName = HostName ?? thing.HostName, LastSeen = At };
        if (state.Things.ContainsKey(Mac) && Equals(next.Address, thing.Address) && next.HostName == thing.HostName
            && At - thing.LastSeen < TimeSpan.FromMinutes(10)) return state;

        // Two devices never hold one address: the newer claim wins, the older Thing waits for its next lease.
        var things = next.Address is null ? state.Things : state.Things.SetItems(
            from other in state.Things.Values
            where other.Mac != Mac && Equals(other.Address, next.Address)
            select KeyValuePair.Create(other.Mac, other with { Address = null }));
        return state with { Things = things.SetItem(Mac, next) };
    }

    public override string Describe(HomeState before) => before.Find(Mac) is { } known
        ? $"{known.DisplayName} is here{(Address is null ? "" : $" at {Address}")}."
        : $"A new device joined the network: {Mac}. It is fenced until it is known.";
}

/// <summary>See came to a new conclusion about a device.</summary>
public sealed record ThingIdentified(MacAddress Mac, Identity Identity, DeviceClass Class) : Change
{
    public override MacAddress? About => Mac;

    public override HomeState Apply(HomeState state) => state.Find(Mac) is { } thing
        ? WithoutIdleQuestions(state with { Things = state.Things.SetItem(Mac, thing with { Identity = Identity, Class = thing.IsClassChosenByOwner ? thing.Class : Class }) }, Mac)
        : state;

    public override string Describe(HomeState before)
    {
        var thing = before.Find(Mac);
        var what = (Identity.Vendor, Identity.Model, Identity.Kind) switch
        {
            ({ } vendor, { } model, _) => $"{vendor.Value} {model.Value}",
            (_, { } model, _) => model.Value,
            ({ } vendor, _, { } kind) => $"{vendor.Value} {kind.Value}",
            (_, _, { } kind) => kind.Value,
            ({ } vendor, _, _) => $"something made by {vendor.Value}",
            _ => "not recognised yet",
        };
        var firmware = Identity.Firmware is { } version ? $", firmware {version.Value}" : "";
        var let = thing is { IsClassChosenByOwner: false } && Class == DeviceClass.Computer && thing.Class != Class ? " It is a computer and is let out." : "";
        return $"{thing?.HostName ?? Mac.ToString()} is: {what}{firmware}.{let}";
    }
}

/// <summary>The owner gave a Thing a name; null takes it back.</summary>
public sealed record ThingNamed(MacAddress Mac, string? Name) : Change
{
    public override MacAddress? About => Mac;
    public override HomeState Apply(HomeState state) => state.Find(Mac) is { } thing
        ? state with { Things = state.Things.SetItem(Mac, thing with { OwnerName = Name }) } : state;
    public override string Describe(HomeState before) => $"{NameOf(before, Mac)} is now called {Name ?? "by its own name"}.";
}

/// <summary>The owner said what a device is; this wins over all evidence, now and later.</summary>
public sealed record ClassChosen(MacAddress Mac, DeviceClass Class) : Change
{
    public override MacAddress? About => Mac;
    public override HomeState Apply(HomeState state) => state.Find(Mac) is { } thing
        ? WithoutIdleQuestions(state with { Things = state.Things.SetItem(Mac, thing with { Class = Class, IsClassChosenByOwner = true }) }, Mac) : state;
    public override string Describe(HomeState before) => $"You said {NameOf(before, Mac)} is a {(Class == DeviceClass.Computer ? "computer of yours: it is let out" : Class == DeviceClass.Router ? "router" : "Thing: it is fenced")}.";
}

/// <summary>A Thing was throttled, cut off, or let in again.</summary>
public sealed record RestraintSet(MacAddress Mac, Restraint Restraint, string Reason) : Change
{
    public override MacAddress? About => Mac;
    public override HomeState Apply(HomeState state) => state.Find(Mac) is { } thing && (thing.Restraint, thing.RestraintReason) != (Restraint, Reason)
        ? state with { Things = state.Things.SetItem(Mac, thing with { Restraint = Restraint, RestraintReason = Reason }) } : state;
    public override string Describe(HomeState before) => Restraint switch
    {
        Restraint.CutOff => $"{NameOf(before, Mac)} was cut off. {Reason}",
        Restraint.Throttled => $"{NameOf(before, Mac)} was slowed down to a trickle. {Reason}",
        _ => $"{NameOf(before, Mac)} was let in again. {Reason}",
    };
}

/// <summary>Something only the owner can decide came up. Asked once: a question with the same Thing, kind and subject changes nothing.</summary>
public sealed record QuestionAsked(MacAddress Mac, QuestionKind Kind, string Subject, ImmutableArray<TransportPort> Ports, string Hint) : Change
{
    /// <summary>Open questions one Thing may have; beyond it further ones are dropped (its names still do not resolve), so that one hostile Thing cannot bury the others'.</summary>
    public const int MaxOpenPerThing = 20;

    public override MacAddress? About => Mac;

    public override HomeState Apply(HomeState state)
    {
        var ofThing = state.Questions.Values.Where(question => question.Thing == Mac).ToList();
        if (ofThing.Any(question => question.Kind == Kind && question.Subject == Subject)
            || ofThing.Count(question => question.Answer == Answer.None) >= MaxOpenPerThing) return state;
        var asked = new Question { Id = state.NextId, Thing = Mac, Kind = Kind, Subject = Subject, Ports = Ports, Hint = Hint, Asked = At };
        return state with { Questions = state.Questions.Add(asked.Id, asked), NextId = state.NextId + 1 };
    }

    public override string Describe(HomeState before) => Kind switch
    {
        QuestionKind.Reach => $"{NameOf(before, Mac)} wants to reach {Subject}. Not answered means no.",
        QuestionKind.IsComputer => $"A device that calls itself '{Subject}' may be a computer of yours. Until you say so it is fenced.",
        _ => $"The Internet can knock at {NameOf(before, Mac)}. Shall that stay so?",
    };
}

/// <summary>The owner answered; a yes to <see cref="QuestionKind.Reach"/> grants exactly what was asked.</summary>
public sealed record QuestionAnswered(long QuestionId, Answer Answer) : Change
{
    public override MacAddress? AboutIn(HomeState before) => before.Questions.GetValueOrDefault(QuestionId)?.Thing;

    public override HomeState Apply(HomeState state)
    {
        if (!state.Questions.TryGetValue(QuestionId, out var question) || question.Answer == Answer) return state;

        var next = state with { Questions = state.Questions.SetItem(QuestionId, question with { Answer = Answer, Answered = At }) };
        return (question.Kind, Answer) switch
        {
            (QuestionKind.Reach, Answer.Yes) => new PermissionGranted(question.Thing, question.Subject, null, question.Ports, PermissionOrigin.Owner) { At = At }.Apply(next),
            (QuestionKind.Reach, _) => next with
            {
                Permissions = next.Permissions.RemoveRange(
                    from permission in next.Permissions.Values
                    where permission.Thing == question.Thing && permission.Name == question.Subject
                    select permission.Id),
            },
            (QuestionKind.IsComputer, Answer.Yes) => new ClassChosen(question.Thing, DeviceClass.Computer) { At = At }.Apply(next),
            (QuestionKind.IsComputer, _) => new ClassChosen(question.Thing, DeviceClass.Thing) { At = At }.Apply(next),
            (QuestionKind.PortForward, _) when long.TryParse(question.Subject, out var id) => new PortForwardSet(id, Answer == Answer.Yes) { At = At }.Apply(next),
            _ => next,
        };
    }

    public override string Describe(HomeState before) => before.Questions.TryGetValue(QuestionId, out var question)
        ? $"You answered {(Answer == Answer.Yes ? "OK" : "not now")}: {NameOf(before, question.Thing)}, {question.Subject}."
        : $"Question {QuestionId} was answered, but is not known.";
}

/// <summary>A Thing may reach a name or prefix from now on.</summary>
public sealed record PermissionGranted(MacAddress Mac, string? Name, string? Prefix, ImmutableArray<TransportPort> Ports, PermissionOrigin Origin) : Change
{
    public override MacAddress? About => Mac;

    public override HomeState Apply(HomeState state)
    {
        var same = state.Permissions.Values.FirstOrDefault(permission => permission.Thing == Mac && permission.Name == Name && permission.Prefix == Prefix);
        var granted = new Permission { Id = same?.Id ?? state.NextId, Thing = Mac, Name = Name, Prefix = Prefix, Ports = Ports, Origin = Origin, Since = At };
        return state with
        {
            Permissions = state.Permissions.SetItem(granted.Id, granted),
            NextId = same is null ? state.NextId + 1 : state.NextId,
        };
    }

    public override string Describe(HomeState before) => $"{NameOf(before, Mac)} may reach {Name ?? Prefix} ({string.Join(", ", Ports)}).";
}

/// <summary>A permission was taken back; connections it allowed are closed.</summary>
public sealed record PermissionRevoked(long PermissionId) : Change
{
    public override MacAddress? AboutIn(HomeState before) => before.Permissions.GetValueOrDefault(PermissionId)?.Thing;

    public override HomeState Apply(HomeState state) =>
        state.Permissions.ContainsKey(PermissionId) ? state with { Permissions = state.Permissions.Remove(PermissionId) } : state;

    public override string Describe(HomeState before) => before.Permissions.TryGetValue(PermissionId, out var permission)
        ? $"{NameOf(before, permission.Thing)} may no longer reach {permission.Name ?? permission.Prefix}." : $"Permission {PermissionId} was taken back.";
}

/// <summary>A rule of this machine opens a way in from the Internet. It was there before Gatehouse, so it stays open, and becomes a question.</summary>
public sealed record PortForwardFound(TransportProtocol Protocol, ushort WanPort, string Address, ushort ThingPort, MacAddress? Thing) : Change
{
    public override MacAddress? About => Thing;

    public override HomeState Apply(HomeState state)
    {
        var same = state.PortForwards.Values.FirstOrDefault(forward =>
            (forward.Protocol, forward.WanPort, forward.Address, forward.ThingPort) == (Protocol, WanPort, Address, ThingPort));
        if (same is not null && (same.Thing == Thing || Thing is null)) return state;

        var forward = same is not null ? same with { Thing = Thing }
            : new PortForward { Id = state.NextId, Protocol = Protocol, WanPort = WanPort, Address = Address, ThingPort = ThingPort, Thing = Thing, IsOpen = true, Since = At };
        return state with
        {
            PortForwards = state.PortForwards.SetItem(forward.Id, forward),
            NextId = same is null ? state.NextId + 1 : state.NextId,
        };
    }

    public override string Describe(HomeState before) =>
        $"Anybody on the Internet can knock at {(Thing is { } mac ? NameOf(before, mac) : Address)}: port {WanPort} leads to its {new TransportPort(Protocol, ThingPort)}. This was so before Gatehouse came.";
}

/// <summary>A way in from the Internet was closed or opened.</summary>
public sealed record PortForwardSet(long ForwardId, bool IsOpen) : Change
{
    public override MacAddress? AboutIn(HomeState before) => before.PortForwards.GetValueOrDefault(ForwardId)?.Thing;

    public override HomeState Apply(HomeState state) => state.PortForwards.TryGetValue(ForwardId, out var forward) && forward.IsOpen != IsOpen
        ? state with { PortForwards = state.PortForwards.SetItem(ForwardId, forward with { IsOpen = IsOpen }) } : state;

    public override string Describe(HomeState before) => before.PortForwards.TryGetValue(ForwardId, out var forward)
        ? $"The way in from the Internet at port {forward.WanPort} is {(IsOpen ? "open" : "closed")}." : $"Port forward {ForwardId} is not known.";
}

/// <summary>Watch noticed something. The id is the state's next one; a finding of the same Thing and rule that has not ended is updated instead.</summary>
public sealed record FindingOpened(
    MacAddress Mac, string Rule, FindingKind Kind, Certainty Certainty, string Sentence, ImmutableArray<EvidenceItem> Evidence) : Change
{
    public override MacAddress? About => Mac;

    public override HomeState Apply(HomeState state)
    {
        if (state.Findings.Values.FirstOrDefault(finding => finding.Thing == Mac && finding.Rule == Rule && finding.Ended is null) is { } same)
            return new FindingUpdated(same.Id, Certainty, Sentence, Evidence) { At = At }.Apply(state);

        var opened = new Finding
        {
            Id = state.NextId, Thing = Mac, Rule = Rule, Kind = Kind, Certainty = Certainty, Started = At, Updated = At, Sentence = Sentence, Evidence = Evidence,
        };
        return state with { Findings = state.Findings.Add(opened.Id, opened), NextId = state.NextId + 1 };
    }

    public override string Describe(HomeState before) => $"{NameOf(before, Mac)}: {Sentence}";
}

/// <summary>A finding goes on, with newer numbers or more certainty. Certainty never falls while it lasts.</summary>
public sealed record FindingUpdated(long FindingId, Certainty Certainty, string Sentence, ImmutableArray<EvidenceItem> Evidence) : Change
{
    public override MacAddress? AboutIn(HomeState before) => before.Findings.GetValueOrDefault(FindingId)?.Thing;

    public override HomeState Apply(HomeState state) => state.Findings.TryGetValue(FindingId, out var finding)
        ? state with
        {
            Findings = state.Findings.SetItem(FindingId, finding with
            {
                Certainty = (Certainty)Math.Max((int)Certainty, (int)finding.Certainty), Sentence = Sentence, Evidence = Evidence, Updated = At,
            }),
        }
        : state;

    public override string Describe(HomeState before) => before.Findings.TryGetValue(FindingId, out var finding)
        ? $"{NameOf(before, finding.Thing)}: {Sentence}" : $"Finding {FindingId} is not known.";
}

/// <summary>What a finding saw has stopped.</summary>
public sealed record FindingEnded(long FindingId) : Change
{
    public override MacAddress? AboutIn(HomeState before) => before.Findings.GetValueOrDefault(FindingId)?.Thing;

    public override HomeState Apply(HomeState state) => state.Findings.TryGetValue(FindingId, out var finding) && finding.Ended is null
        ? state with { Findings = state.Findings.SetItem(FindingId, finding with { Ended = At }) } : state;

    public override string Describe(HomeState before) => before.Findings.TryGetValue(FindingId, out var finding)
        ? $"{NameOf(before, finding.Thing)}: this has stopped: {finding.Sentence}" : $"Finding {FindingId} is not known.";
}

/// <summary>A verified release fits a Thing. The same image is offered once.</summary>
public sealed record OfferMade(
    MacAddress Mac, string Repository, string TargetPath, string Version, string Sha256, bool IsSecurity, ImmutableArray<string> Fixes) : Change
{
    public override MacAddress? About => Mac;

    public override HomeState Apply(HomeState state)
    {
        if (state.Offers.Values.Any(offer => offer.Thing == Mac && offer.Sha256 == Sha256)) return state;
        var made = new Offer
        {
            Id = state.NextId, Thing = Mac, Repository = Repository, TargetPath = TargetPath, Version = Version, Sha256 = Sha256,
            IsSecurity = IsSecurity, Fixes = Fixes, Since = At,
        };
        return state with { Offers = state.Offers.Add(made.Id, made), NextId = state.NextId + 1 };
    }

    public override string Describe(HomeState before) =>
        $"Firmware {Version} is ready for {NameOf(before, Mac)}{(IsSecurity ? ": it closes a security hole" : "")}{(Fixes.IsEmpty ? "" : $" ({string.Join(", ", Fixes)})")}.";
}

/// <summary>A release is not on offer, and will not be again: it was tampered with, did not fit, was installed, or was rolled back.</summary>
public sealed record OfferRefused(long OfferId, string Reason) : Change
{
    public override MacAddress? AboutIn(HomeState before) => before.Offers.GetValueOrDefault(OfferId)?.Thing;

    public override HomeState Apply(HomeState state) => state.Offers.TryGetValue(OfferId, out var offer) && offer.RefusedBecause != Reason
        ? state with { Offers = state.Offers.SetItem(OfferId, offer with { RefusedBecause = Reason }) } : state;

    public override string Describe(HomeState before) => before.Offers.TryGetValue(OfferId, out var offer)
        ? $"Firmware {offer.Version} for {NameOf(before, offer.Thing)} is not offered: {Reason}" : $"Offer {OfferId} is not known.";
}

/// <summary>Consent was given: an update begins. At most one per Thing at a time; a second changes nothing.</summary>
public sealed record UpdateBegun(long OfferId, string FromVersion, string ConsentedBy) : Change
{
    public override MacAddress? AboutIn(HomeState before) => before.Offers.GetValueOrDefault(OfferId)?.Thing;

    public override HomeState Apply(HomeState state)
    {
        if (!state.Offers.TryGetValue(OfferId, out var offer) || offer.RefusedBecause is not null || state.UpdateUnderWay(offer.Thing) is not null) return state;
        var begun = new UpdateJob
        {
            Id = state.NextId, OfferId = OfferId, Thing = offer.Thing, FromVersion = FromVersion, ToVersion = offer.Version,
            State = UpdateState.Consented, Started = At, Changed = At,
        };
        return state with { Updates = state.Updates.Add(begun.Id, begun), NextId = state.NextId + 1 };
    }

    public override string Describe(HomeState before) => before.Offers.TryGetValue(OfferId, out var offer)
        ? $"The update of {NameOf(before, offer.Thing)} from {FromVersion} to {offer.Version} begins ({ConsentedBy})." : $"Offer {OfferId} is not known.";
}

/// <summary>An update goes to its next step, or begins the present one again. Notes given are added to those kept.</summary>
public sealed record UpdateStepped(long UpdateId, UpdateState State, string Reason, ImmutableDictionary<string, string> Notes) : Change
{
    public override MacAddress? AboutIn(HomeState before) => before.Updates.GetValueOrDefault(UpdateId)?.Thing;

    public override HomeState Apply(HomeState state)
    {
        if (!state.Updates.TryGetValue(UpdateId, out var update) || update.HasEnded) return state;
        var stepped = update with
        {
            State = State, Reason = Reason, Changed = At, Notes = update.Notes.SetItems(Notes), Attempt = State == update.State ? update.Attempt + 1 : 0,
        };
        return state with { Updates = state.Updates.SetItem(UpdateId, stepped) };
    }

    public override string Describe(HomeState before) => before.Updates.TryGetValue(UpdateId, out var update)
        ? $"The update of {NameOf(before, update.Thing)} to {update.ToVersion}: {State.InWords()}.{(Reason.Length > 0 ? " " + Reason : "")}" : $"Update {UpdateId} is not known.";
}

/// <summary>The gateway guards from now on, or only watches.</summary>
public sealed record ModeSet(GuardMode Mode) : Change
{
    public override HomeState Apply(HomeState state) => state.Mode == Mode ? state : state with { Mode = Mode };
    public override string Describe(HomeState before) => Mode == GuardMode.Guarding ? "The fence is up." : "Gatehouse only watches: nothing is blocked.";
}

/// <summary>The panic switch was pressed (everything may pass until then) or released (null).</summary>
public sealed record PanicSet(DateTimeOffset? Until) : Change
{
    public override HomeState Apply(HomeState state) => state.PanicUntil == Until ? state : state with { PanicUntil = Until };
    public override string Describe(HomeState before) => Until is { } until ? $"Everything but what is cut off or slowed down is let out until {until:HH:mm:ss} UTC, as you asked." : "The fence is up again.";
}

/// <summary>Something worth a journal line that changes no state. <paramref name="Topic"/> is a stable dotted word: <c>password.rotated</c>, <c>record.restored</c>.</summary>
public sealed record Noted(string Topic, MacAddress? Mac, string Sentence) : Change
{
    public override MacAddress? About => Mac;
    public override HomeState Apply(HomeState state) => state;
    public override string Describe(HomeState before) => Sentence;
}
