using System.Collections.Immutable;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Console;

/// <summary>How an action of the owner ended.</summary>
public enum Outcome
{
    Done,

    /// <summary>Nothing of that name or number is there.</summary>
    NotFound,

    /// <summary>It is there, but this cannot be done with it now.</summary>
    Refused,
}

/// <summary>An action's end and one sentence about it, in the same words on a page, in the CLI and in JSON.</summary>
public sealed record ActionResult(Outcome Outcome, string Sentence);

/// <summary>Everything the owner can do, from pages and from the command line alike. Each is one change of the record; what it means is judged there.</summary>
internal sealed class OwnerActions(HomeRecord record)
{
    /// <summary>How long the panic switch lets everything out.</summary>
    public static readonly TimeSpan PanicTime = TimeSpan.FromMinutes(10);

    /// <summary>The longest name an owner can give, in characters.</summary>
    public const int MaxNameLength = 60;

    public HomeState State => record.Current;
    private DateTimeOffset Now => record.Time.GetUtcNow();

    public async Task<ActionResult> AnswerAsync(long questionId, Answer answer, CancellationToken cancellationToken)
    {
        if (!State.Questions.TryGetValue(questionId, out var question)) return NotFound($"There is no question {questionId}.");

        await record.ApplyAsync(new QuestionAnswered(questionId, answer) { At = Now }, cancellationToken);
        return Done(Words.Answered(State, question, answer));
    }

    /// <summary>Allows a name without a question, or with the one that is open.</summary>
    public async Task<ActionResult> AllowAsync(MacAddress mac, string name, ImmutableArray<TransportPort> ports, CancellationToken cancellationToken)
    {
        if (State.Find(mac) is not { } thing) return NotFound($"There is no Thing {mac}.");

        var asked = Asked(mac, name);
        if (asked is not null && ports.IsEmpty) return await AnswerAsync(asked.Id, Answer.Yes, cancellationToken);

        if (asked is not null) await record.ApplyAsync(new QuestionAnswered(asked.Id, Answer.Yes) { At = Now }, cancellationToken);
        var opened = ports.IsEmpty ? Permission.UsualPorts : ports;
        await record.ApplyAsync(new PermissionGranted(mac, name, null, opened, PermissionOrigin.Owner) { At = Now }, cancellationToken);
        return Done($"{thing.DisplayName} may reach {name} now ({string.Join(", ", opened)}).");
    }

    /// <summary>Says no to a name: the open question is answered, a permission is taken back.</summary>
    public async Task<ActionResult> DenyAsync(MacAddress mac, string name, CancellationToken cancellationToken)
    {
        if (State.Find(mac) is not { } thing) return NotFound($"There is no Thing {mac}.");
        if (Asked(mac, name) is { } asked) return await AnswerAsync(asked.Id, Answer.No, cancellationToken);

        var permission = State.Permissions.Values.FirstOrDefault(permission => permission.Thing == mac && (permission.Name ?? permission.Prefix) == name);
        return permission is null
            ? NotFound($"{thing.DisplayName} neither asked for {name} nor may reach it.")
            : await RevokeAsync(permission.Id, cancellationToken);
    }

    public async Task<ActionResult> RevokeAsync(long permissionId, CancellationToken cancellationToken)
    {
        if (!State.Permissions.TryGetValue(permissionId, out var permission)) return NotFound("That permission is not there any more.");

        // A permission that came from a question goes with its answer, so that the page never shows "OK" beside a closed way.
        var asked = permission.Name is { } name ? Asked(permission.Thing, name) : null;
        if (asked is { Answer: Answer.Yes }) return await AnswerAsync(asked.Id, Answer.No, cancellationToken);

        await record.ApplyAsync(new PermissionRevoked(permissionId) { At = Now }, cancellationToken);
        return Done($"{Name(permission.Thing)} may no longer reach {permission.Name ?? permission.Prefix}.");
    }

    /// <summary>Begins the update that is on offer. Where the Thing was cut off, this is the cure: it is let in again when the update ends well.</summary>
    public async Task<ActionResult> UpdateAsync(MacAddress mac, CancellationToken cancellationToken)
    {
        if (State.Find(mac) is not { } thing) return NotFound($"There is no Thing {mac}.");
        if (State.UpdateUnderWay(mac) is { } running) return new(Outcome.Refused, $"{thing.DisplayName} is being updated to {running.ToVersion} already.");
        if (State.OfferFor(mac) is not { } offer) return new(Outcome.Refused, Words.NoOffer(State, thing));

        await record.ApplyAsync(new UpdateBegun(offer.Id, thing.Identity.Firmware?.Value ?? "an unknown version", "you pressed the button") { At = Now }, cancellationToken);
        return State.UpdateUnderWay(mac) is null && !State.Updates.Values.Any(update => update.OfferId == offer.Id)
            ? new(Outcome.Refused, $"The update of {thing.DisplayName} could not begin: the offer was taken back.")
            : Done($"The update of {thing.DisplayName} to {offer.Version} has begun.");
    }

    public async Task<ActionResult> QuarantineAsync(MacAddress mac, string? reason, CancellationToken cancellationToken)
    {
        if (State.Find(mac) is not { } thing) return NotFound($"There is no Thing {mac}.");

        await record.ApplyAsync(new RestraintSet(mac, Restraint.CutOff, string.IsNullOrWhiteSpace(reason) ? "You cut it off." : reason.Trim()) { At = Now }, cancellationToken);
        return Done($"{thing.DisplayName} is cut off: nothing from it or to it passes.");
    }

    public async Task<ActionResult> ReleaseAsync(MacAddress mac, CancellationToken cancellationToken)
    {
        if (State.Find(mac) is not { } thing) return NotFound($"There is no Thing {mac}.");
        if (thing.Restraint == Restraint.None) return new(Outcome.Refused, $"{thing.DisplayName} is not cut off.");

        await record.ApplyAsync(new RestraintSet(mac, Restraint.None, "You let it in again.") { At = Now }, cancellationToken);
        return Done($"{thing.DisplayName} is let in again; it may reach what it was allowed before.");
    }

    public async Task<ActionResult> PanicAsync(bool on, CancellationToken cancellationToken)
    {
        DateTimeOffset? until = on ? Now + PanicTime : null;
        await record.ApplyAsync(new PanicSet(until) { At = Now }, cancellationToken);
        return Done(on ? "Everything is let out for ten minutes." : "The fence is up again.");
    }

    public async Task<ActionResult> SetModeAsync(GuardMode mode, CancellationToken cancellationToken)
    {
        await record.ApplyAsync(new ModeSet(mode) { At = Now }, cancellationToken);
        return Done(mode == GuardMode.Guarding ? "Gatehouse guards now." : "Gatehouse only watches now: nothing is blocked.");
    }

    public async Task<ActionResult> NameAsync(MacAddress mac, string? name, CancellationToken cancellationToken)
    {
        if (State.Find(mac) is null) return NotFound($"There is no Thing {mac}.");

        var kept = new string([.. (name ?? "").Where(c => !char.IsControl(c))]).Trim();
        if (kept.Length > MaxNameLength) return new(Outcome.Refused, $"A name has at most {MaxNameLength} characters.");

        await record.ApplyAsync(new ThingNamed(mac, kept.Length == 0 ? null : kept) { At = Now }, cancellationToken);
        return Done(kept.Length == 0 ? "It goes by its own name again." : $"It is called {kept} now.");
    }

    public async Task<ActionResult> ChooseClassAsync(MacAddress mac, DeviceClass chosen, CancellationToken cancellationToken)
    {
        if (State.Find(mac) is not { } thing) return NotFound($"There is no Thing {mac}.");

        // The open "is it a computer?" question is the same decision: answering both ways at once would leave one of them stale.
        var question = State.OpenQuestions.FirstOrDefault(question => question.Thing == mac && question.Kind == QuestionKind.IsComputer);
        if (question is not null && chosen != DeviceClass.Router)
            return await AnswerAsync(question.Id, chosen == DeviceClass.Computer ? Answer.Yes : Answer.No, cancellationToken);

        await record.ApplyAsync(new ClassChosen(mac, chosen) { At = Now }, cancellationToken);
        return Done(chosen == DeviceClass.Computer ? $"{thing.DisplayName} is a computer of yours: it is let out." : $"{thing.DisplayName} is fenced.");
    }

    public async Task<ActionResult> SetForwardAsync(long forwardId, bool open, CancellationToken cancellationToken)
    {
        if (!State.PortForwards.TryGetValue(forwardId, out var forward)) return NotFound("That way in is not known.");

        await record.ApplyAsync(new PortForwardSet(forwardId, open) { At = Now }, cancellationToken);
        return Done($"The way in from the Internet at port {forward.WanPort} is {(open ? "open" : "closed")}.");
    }

    private Question? Asked(MacAddress mac, string name) =>
        State.Questions.Values.FirstOrDefault(question => question.Thing == mac && question.Kind == QuestionKind.Reach && question.Subject == name);

    private string Name(MacAddress mac) => State.Find(mac)?.DisplayName ?? mac.ToString();

    private static ActionResult Done(string sentence) => new(Outcome.Done, sentence);

    private static ActionResult NotFound(string sentence) => new(Outcome.NotFound, sentence);
}
