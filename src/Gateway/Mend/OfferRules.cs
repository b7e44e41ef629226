using Gatehouse.Home;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.Mend;

/// <summary>Which releases are offered to which Things. Pure: the record, the packs and a repository's releases give changes to the record.</summary>
public static class OfferRules
{
    /// <summary>The best release for each Thing that has it not yet: the newest that fits what it runs and was not refused before.</summary>
    /// <param name="versions">What Things run that See has no version of; asked from themselves.</param>
    public static IEnumerable<OfferMade> NewOffers(
        HomeState state, PackLibrary packs, string repository, IReadOnlyCollection<FirmwareRelease> releases, IReadOnlyDictionary<MacAddress, FirmwareVersion> versions, DateTimeOffset now)
    {
        foreach (var thing in state.Things.Values.OrderBy(thing => thing.Mac))
        {
            if (packs.Find(thing.Identity.Pack) is not { Update: { } update } pack || update.Repository != repository) continue;
            if (RunningVersion(thing, versions) is not { } running || BestFor(state, thing.Mac, pack, releases, running) is not { } release) continue;
            yield return new OfferMade(thing.Mac, repository, release.TargetPath, release.Version.Text, release.Sha256, release.IsSecurity, release.Fixes) { At = now };
        }
    }

    /// <summary>Offers that have no meaning any more: the Thing runs that version or a newer one, however it came by it.</summary>
    public static IEnumerable<OfferRefused> Outdated(HomeState state, IReadOnlyDictionary<MacAddress, FirmwareVersion> versions, DateTimeOffset now) =>
        from offer in state.Offers.Values
        where offer.RefusedBecause is null && state.UpdateUnderWay(offer.Thing) is null
        let running = state.Find(offer.Thing) is { } thing ? RunningVersion(thing, versions) : null
        where running is not null && FirmwareVersion.TryParse(offer.Version, out var offered) && offered <= running
        orderby offer.Id
        select new OfferRefused(offer.Id, $"It runs {running} already.") { At = now };

    /// <summary>What a Thing runs, as far as it is known and can be compared.</summary>
    public static FirmwareVersion? RunningVersion(Thing thing, IReadOnlyDictionary<MacAddress, FirmwareVersion> versions) =>
        FirmwareVersion.TryParse(thing.Identity.Firmware?.Value, out var seen) ? seen : versions.GetValueOrDefault(thing.Mac);

    private static FirmwareRelease? BestFor(HomeState state, MacAddress mac, Pack pack, IReadOnlyCollection<FirmwareRelease> releases, FirmwareVersion running)
    {
        var offers = state.Offers.Values.Where(offer => offer.Thing == mac).ToList();
        var refused = offers.Where(offer => offer.RefusedBecause is not null).Select(offer => offer.Sha256).ToHashSet();
        var best = (from release in releases
                    where release.MisfitFor(pack.Model ?? "", pack.Update!.Parameters.GetValueOrDefault("hardware"), running) is null
                    where !refused.Contains(release.Sha256)
                    orderby release.Version descending, release.TargetPath
                    select release).FirstOrDefault();
        return best is null || offers.Any(offer => offer.Sha256 == best.Sha256) ? null : best;
    }
}
