using System.Collections.Immutable;
using Gatehouse.Home;
using Gatehouse.Mend.Credentials;
using Gatehouse.Mend.Drivers;
using Gatehouse.Packs;

namespace Gatehouse.Mend;

/// <summary>
/// Takes one update from consent to its end. The record says which step is next before that step is taken, and every step can be taken again:
/// after a crash or a power cut the engine looks at the Thing from outside and goes on from what it finds, not from what it remembers.
/// </summary>
public sealed partial class UpdateEngine(
    HomeRecord record, PackLibrary packs, FirmwareRepositories repositories, ImageShelf shelf, IReadOnlyList<IDeviceDriver> drivers,
    IDeviceNetwork network, CredentialKeeper credentials, ILogger<UpdateEngine> logger)
{
    /// <summary>How often one step is begun. A step that ended with the gateway this often is not tried again: it may be what ends the gateway.</summary>
    public const int MaxAttempts = 4;

    /// <summary>How often an image is sent whose upload broke off.</summary>
    public const int MaxUploads = 3;

    /// <summary>After this long an image that was fetched for an update is looked up again before it is sent.</summary>
    public static readonly TimeSpan MaxFetchAge = TimeSpan.FromHours(24);

    /// <summary>How long a Thing that does not answer at the beginning is waited for.</summary>
    public static readonly TimeSpan FirstAnswerWait = TimeSpan.FromSeconds(30);

    /// <summary>Runs an update to its end. Returns at once when it has ended.</summary>
    /// <exception cref="OperationCanceledException">The gateway stops; the update goes on from here when it runs again.</exception>
    public async Task RunAsync(long updateId, CancellationToken cancellationToken)
    {
        var isResumed = record.Current.Updates.TryGetValue(updateId, out var found) && found.State != UpdateState.Consented;
        while (record.Current.Updates.TryGetValue(updateId, out var job) && !job.HasEnded)
        {
            // Beginning a step again is written down too, so that a step which ends the gateway is counted.
            if (isResumed) await StepToAsync(job, new(job.State, job.Reason), cancellationToken);
            isResumed = false;
            await StepAsync(record.Current.Updates[updateId], cancellationToken);
        }
    }

    private async Task StepAsync(UpdateJob job, CancellationToken cancellationToken)
    {
        if (!UpdatePlan.TryMake(record, packs, drivers, network, job, out var plan, out var fault))
        {
            await StepToAsync(job, new(EndOf(job.State), fault), cancellationToken);
            return;
        }

        using (plan)
        {
            var next = job.Attempt >= MaxAttempts ? GiveUp(plan) : await TakeStepAsync(plan, cancellationToken);
            if (next.RefuseOffer is { } reason)
                await record.ApplyAsync(new OfferRefused(plan.Offer.Id, reason) { At = record.Time.GetUtcNow() }, cancellationToken);
            await StepToAsync(job, next, cancellationToken);
        }
    }

    private Task<NextStep> TakeStepAsync(UpdatePlan plan, CancellationToken cancellationToken) => plan.Job.State switch
    {
        UpdateState.Consented => Task.FromResult(new NextStep(UpdateState.Fetching)),
        UpdateState.Fetching => FetchAsync(plan, cancellationToken),
        UpdateState.BackingUp => BackUpAsync(plan, cancellationToken),
        UpdateState.Installing => InstallAsync(plan, cancellationToken),
        UpdateState.Checking => CheckAsync(plan, cancellationToken),
        UpdateState.Securing => SecureAsync(plan, cancellationToken),
        UpdateState.RollingBack => RollBackAsync(plan, cancellationToken),
        _ => throw new System.Diagnostics.UnreachableException($"{plan.Job.State} is no step"),
    };

    private async Task StepToAsync(UpdateJob job, NextStep next, CancellationToken cancellationToken)
    {
        var notes = next.Notes ?? ImmutableDictionary<string, string>.Empty;
        await record.ApplyAsync(new UpdateStepped(job.Id, next.State, next.Reason, notes) { At = record.Time.GetUtcNow() }, cancellationToken);
        Stepped(logger, job.Thing, job.ToVersion, next.State, next.Reason);
    }

    /// <summary>Where an update ends that cannot go on at all: untouched before the image was sent, to be looked at afterwards.</summary>
    private static UpdateState EndOf(UpdateState state) =>
        state is UpdateState.Consented or UpdateState.Fetching or UpdateState.BackingUp ? UpdateState.Refused : UpdateState.Lost;

    private static NextStep GiveUp(UpdatePlan plan) => plan.Job.State switch
    {
        UpdateState.Installing => new(UpdateState.Checking, "Sending the image was interrupted too often."),
        UpdateState.Checking => new(UpdateState.RollingBack, "Checking it was interrupted too often."),
        UpdateState.Securing => new(UpdateState.Done, "It is up to date, but changing its password was interrupted too often.") { RefuseOffer = InstalledReason },
        UpdateState.RollingBack => Lost("Going back was interrupted too often."),
        _ => new(UpdateState.Refused, "This was interrupted too often; nothing was changed on the Thing."),
    };

    private static NextStep Lost(string why) =>
        new(UpdateState.Lost, $"{why} Somebody must look at it.") { RefuseOffer = "It did not come back after this release was installed." };

    private const string InstalledReason = "It is installed.";

    /// <summary>Where the update goes from here, and why.</summary>
    private sealed record NextStep(UpdateState State, string Reason = "")
    {
        public ImmutableDictionary<string, string>? Notes { get; init; }

        /// <summary>Why the release is no longer on offer; null leaves it on offer.</summary>
        public string? RefuseOffer { get; init; }

        public NextStep Note(string name, string value) => this with { Notes = (Notes ?? ImmutableDictionary<string, string>.Empty).SetItem(name, value) };
    }

    /// <summary>What <see cref="UpdateJob.Notes"/> is told, by name.</summary>
    private static class Notes
    {
        /// <summary>The version it ran before, as it said itself.</summary>
        public const string Running = "running";

        /// <summary>SHA-256 of the kept image of the version before; absent where there is none.</summary>
        public const string KeptImage = "kept-image";

        /// <summary>What was not well before the update already.</summary>
        public const string FaultBefore = "fault-before";

        /// <summary>What the device said when it was given the image.</summary>
        public const string Remark = "remark";

        /// <summary>How often the image was sent; and whether the last time broke off.</summary>
        public const string Uploads = "uploads";
        public const string Broken = "upload-broke-off";
    }
}
