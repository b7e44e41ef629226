using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Home;
using Gatehouse.Mend.Drivers;
using Gatehouse.Trust;

namespace Gatehouse.Mend;

/// <summary>The steps, in the order they are taken. Each may have been begun before and cut short anywhere.</summary>
public sealed partial class UpdateEngine
{
    private async Task<NextStep> FetchAsync(UpdatePlan plan, CancellationToken cancellationToken)
    {
        var look = await plan.Observer.WatchAsync(FirstAnswerWait, null, (_, look) => look.Version is not null, cancellationToken);
        if (look.Version is not { } running) return new(UpdateState.Refused, $"Nothing was changed: {look.Fault}.");
        if (running > plan.To) return RefuseForGood($"It already runs {running}, which is newer.");

        var noted = new NextStep(UpdateState.BackingUp).Note(Notes.Running, running.Text).Note(Notes.FaultBefore, look.Fault ?? "");
        // Somebody else has installed it; what is left is to look whether it is well, and to secure it.
        if (running == plan.To) return noted with { State = UpdateState.Checking };
        try
        {
            var content = await repositories.RefreshAsync(plan.Offer.Repository, cancellationToken);
            var release = content.Releases.FirstOrDefault(release => release.TargetPath == plan.Offer.TargetPath && release.Sha256 == plan.Offer.Sha256);
            if (release is null) return RefuseForGood("Its maker has withdrawn this release.");
            if (release.MisfitFor(plan.Pack.Model ?? "", plan.Hardware, running) is { } misfit) return RefuseForGood($"This release does not fit: {misfit}.");

            var image = await repositories.DownloadAsync(release, shelf.FolderOf(release.Sha256), cancellationToken);
            return await MisfitOfAsync(plan.Driver, image, cancellationToken) is { } wrong
                ? RefuseForGood($"This release does not fit: {wrong}.") : noted;
        }
        catch (TrustException doubt)
        {
            // The release itself may be sound and only this copy bad, so it stays on offer: another try fetches it again.
            return new(UpdateState.Refused, $"Nothing was changed: {doubt.Message}");
        }
    }

    private async Task<NextStep> BackUpAsync(UpdatePlan plan, CancellationToken cancellationToken)
    {
        var next = new NextStep(UpdateState.Installing);
        var running = Version(plan, Notes.Running);
        try
        {
            if (await KeepRunningImageAsync(plan, running, cancellationToken) is { } kept) return next.Note(Notes.KeptImage, kept.Sha256);
            NoWayBack(logger, plan.Thing.Mac, running.Text, "the repository has no release of it");
        }
        catch (TrustException failed)
        {
            NoWayBack(logger, plan.Thing.Mac, running.Text, failed.Message);
        }

        return next;
    }

    /// <summary>The image of what it runs now: the one Gatehouse installed, else the repository's, for as long as it lists it.</summary>
    private async Task<VerifiedImage?> KeepRunningImageAsync(UpdatePlan plan, FirmwareVersion running, CancellationToken cancellationToken)
    {
        if (InstalledBefore(plan, running) is { } sha256) return await repositories.RestoreAsync(plan.Offer.Repository, sha256, shelf.Find(sha256)!, cancellationToken);
        var content = await repositories.RefreshAsync(plan.Offer.Repository, cancellationToken);
        var release = content.Releases.FirstOrDefault(release => release.IsFor(plan.Pack.Model, plan.Hardware) && release.Version == running);
        return release is null ? null : await repositories.DownloadAsync(release, shelf.FolderOf(release.Sha256), cancellationToken);
    }

    private string? InstalledBefore(UpdatePlan plan, FirmwareVersion running)
    {
        var state = record.Current;
        var hashes = from update in state.Updates.Values
                     where update.Thing == plan.Job.Thing && update.State == UpdateState.Done && state.Offers.ContainsKey(update.OfferId)
                     orderby update.Id descending
                     let offer = state.Offers[update.OfferId]
                     where offer.Repository == plan.Offer.Repository && FirmwareVersion.TryParse(offer.Version, out var version) && version == running
                     select offer.Sha256;
        return hashes.FirstOrDefault(sha256 => shelf.Find(sha256) is not null);
    }

    private async Task<NextStep> InstallAsync(UpdatePlan plan, CancellationToken cancellationToken)
    {
        // Taken again after a crash: it may have the image already, or be in its restart.
        var look = await plan.Observer.WatchAsync(plan.Pace.RestartWait, null, (_, look) => look.Version is not null, cancellationToken);
        if (look.Version is null || look.Version == plan.To) return new(UpdateState.Checking);

        VerifiedImage image;
        try
        {
            // An image that was fetched long ago may have been withdrawn since.
            if (record.Time.GetUtcNow() - plan.Job.Started > MaxFetchAge || shelf.Find(plan.Offer.Sha256) is not { } file) return new(UpdateState.Fetching);
            image = await repositories.RestoreAsync(plan.Offer.Repository, plan.Offer.Sha256, file, cancellationToken);
        }
        catch (TrustException bad)
        {
            return new(UpdateState.Refused, $"Nothing was changed: {bad.Message}");
        }

        return await SendAsync(plan, image, new NextStep(UpdateState.Checking));
    }

    private async Task<NextStep> CheckAsync(UpdatePlan plan, CancellationToken cancellationToken)
    {
        var running = Version(plan, Notes.Running);
        var judge = new ComeBackJudge(plan.Pace, running, plan.To);
        var outcome = ComeBack.Waiting;
        var look = await plan.Observer.WatchAsync(
            plan.Pace.RestartWait + plan.Pace.SteadyWait, Tolerated(plan), (elapsed, look) => (outcome = judge.Take(elapsed, look)) != ComeBack.Waiting, cancellationToken);
        if (outcome == ComeBack.Up)
        {
            await TellVersionAsync(plan, plan.To, cancellationToken);
            return new(UpdateState.Securing);
        }

        if (outcome == ComeBack.BackToOld) return BackToOld(plan, running, judge.WentAway || plan.Job.Attempt > 0);
        return new(UpdateState.RollingBack, outcome switch
        {
            ComeBack.Unwell => $"It runs {plan.To}, but {look.Fault}.",
            ComeBack.WrongVersion => $"It shows version {look.Version} instead of {plan.To}.",
            _ => $"It does not come back with {plan.To}: {look.Fault}.",
        });
    }

    private static NextStep BackToOld(UpdatePlan plan, FirmwareVersion running, bool wentAway)
    {
        // A device that goes on as before has closed the connection on purpose, as swupdate does with an image it will not have: once more, to be sure.
        if (Note(plan, Notes.Broken).Length > 0 && Uploads(plan) < (wentAway ? MaxUploads : 2))
            return new(UpdateState.Installing, "The image did not arrive whole; it is sent again.");

        var remark = plan.Job.Notes.TryGetValue(Notes.Remark, out var said) && said.Length > 0 ? $" It said {said}." : "";
        return wentAway
            ? new(UpdateState.RolledBack, $"It did not come up with {plan.To} and went back to {running} by itself.{remark}")
            { RefuseOffer = $"It was tried, and the Thing went back to {running}." }
            : new(UpdateState.Refused, $"It did not take {plan.To} and still runs {running}.{remark}")
            { RefuseOffer = $"The Thing did not take it and still runs {running}." };
    }

    private async Task<NextStep> RollBackAsync(UpdatePlan plan, CancellationToken cancellationToken)
    {
        var running = Version(plan, Notes.Running);
        var ownWait = plan.Pace.HasOwnFallback ? plan.Pace.FallbackWait : TimeSpan.Zero;
        if (await IsBackAsync(plan, running, ownWait, cancellationToken)) return RolledBack(plan, running, "went back by itself");

        if (await KeptImageAsync(plan, cancellationToken) is not { } kept) return Lost($"{plan.Job.Reason} There is no image of {running} to put back.");
        await plan.Observer.WatchAsync(plan.Pace.RestartWait, null, (_, look) => look.Version is not null, cancellationToken);
        var sent = await SendAsync(plan, kept, new NextStep(UpdateState.RolledBack));
        return await IsBackAsync(plan, running, plan.Pace.RestartWait + plan.Pace.SteadyWait, cancellationToken)
            ? RolledBack(plan, running, "was put back") : Lost($"{plan.Job.Reason} Putting {running} back did not help either.") with { Notes = sent.Notes };
    }

    private async Task<NextStep> SecureAsync(UpdatePlan plan, CancellationToken cancellationToken)
    {
        var secured = await credentials.SecureAsync(plan.Thing.Mac, plan.Pack, plan.Link, cancellationToken);
        await Cure.ApplyAsync(record, plan.Job.Thing, plan.Offer, plan.Pack, secured, cancellationToken);
        return new(UpdateState.Done, secured.Describe()) { RefuseOffer = InstalledReason };
    }

    /// <summary>Hands an image over. From the first byte on the token is ignored: half an image is worse than a slow stop of the gateway.</summary>
    private async Task<NextStep> SendAsync(UpdatePlan plan, VerifiedImage image, NextStep next)
    {
        next = next.Note(Notes.Uploads, (Uploads(plan) + 1).ToString(CultureInfo.InvariantCulture)).Note(Notes.Broken, "").Note(Notes.Remark, "");
        try
        {
            return next.Note(Notes.Remark, await plan.Driver.InstallAsync(plan.Link, image, CancellationToken.None) ?? "");
        }
        catch (DeviceRefusedException refused)
        {
            return next.Note(Notes.Remark, refused.Message);
        }
        catch (DeviceUnreachableException broken)
        {
            UploadBroke(logger, plan.Thing.Mac, broken.Message);
            return next.Note(Notes.Broken, broken.Message);
        }
    }

    private static async Task<bool> IsBackAsync(UpdatePlan plan, FirmwareVersion running, TimeSpan limit, CancellationToken cancellationToken)
    {
        TimeSpan? wellSince = null;
        var isBack = false;
        await plan.Observer.WatchAsync(limit, Tolerated(plan), (elapsed, look) =>
        {
            wellSince = look.Version == running && look.Fault is null ? wellSince ?? elapsed : null;
            return isBack = wellSince is { } since && elapsed - since >= plan.Pace.SteadyWait;
        }, cancellationToken);
        return isBack;
    }

    private async Task<VerifiedImage?> KeptImageAsync(UpdatePlan plan, CancellationToken cancellationToken)
    {
        try
        {
            return plan.Job.Notes.TryGetValue(Notes.KeptImage, out var sha256) && shelf.Find(sha256) is { } file
                ? await repositories.RestoreAsync(plan.Offer.Repository, sha256, file, cancellationToken) : null;
        }
        catch (TrustException bad)
        {
            NoWayBack(logger, plan.Thing.Mac, Note(plan, Notes.Running), bad.Message);
            return null;
        }
    }

    private async Task TellVersionAsync(UpdatePlan plan, FirmwareVersion version, CancellationToken cancellationToken)
    {
        if (record.Current.Find(plan.Job.Thing) is not { } thing || thing.Identity.Firmware?.Value == version.Text) return;
        var claim = new Claim(version.Text, 1, [new Evidence("asked after the update", version.Text)]);
        await record.ApplyAsync(new ThingIdentified(thing.Mac, thing.Identity with { Firmware = claim }, thing.Class) { At = record.Time.GetUtcNow() }, cancellationToken);
    }

    private static NextStep RolledBack(UpdatePlan plan, FirmwareVersion running, string how) => new(UpdateState.RolledBack, $"{plan.Job.Reason} It {how}: it runs {running} again.".TrimStart())
    {
        RefuseOffer = $"It was tried and the Thing was not well with it; it runs {running} again.",
    };

    private static NextStep RefuseForGood(string why) => new(UpdateState.Refused, $"Nothing was changed: {char.ToLowerInvariant(why[0])}{why[1..]}") { RefuseOffer = why };

    private static async Task<string?> MisfitOfAsync(IDeviceDriver driver, VerifiedImage image, CancellationToken cancellationToken)
    {
        var start = new byte[64];
        await using var stream = image.OpenRead();
        var length = await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken);
        return driver.Misfit(start.AsSpan(0, length));
    }

    private static string Note(UpdatePlan plan, string name) => plan.Job.Notes.GetValueOrDefault(name, "");

    private static string? Tolerated(UpdatePlan plan) => Note(plan, Notes.FaultBefore) is { Length: > 0 } fault ? fault : null;

    private static int Uploads(UpdatePlan plan) => int.TryParse(Note(plan, Notes.Uploads), CultureInfo.InvariantCulture, out var uploads) ? uploads : 0;

    private static FirmwareVersion Version(UpdatePlan plan, string name) =>
        FirmwareVersion.TryParse(Note(plan, name), out var version) ? version : throw new System.Diagnostics.UnreachableException($"the note '{name}' is no version");
}
