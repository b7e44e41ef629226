using Gatehouse.Home;
using Gatehouse.Mend.Credentials;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.Mend;

/// <summary>What belongs to a cure besides new firmware: the way in from the Internet is shut, and the Thing may take part again.</summary>
internal static class Cure
{
    /// <summary>Closes the port forwards that led to a service with a known password, and lets the Thing in again where nothing is left of the hole.</summary>
    public static async Task ApplyAsync(HomeRecord record, MacAddress mac, Offer offer, Pack pack, Secured secured, CancellationToken cancellationToken)
    {
        var at = record.Time.GetUtcNow();
        foreach (var forward in OpenWaysIn(record.Current, mac, pack))
            await record.ApplyAsync(new PortForwardSet(forward.Id, IsOpen: false) { At = at }, cancellationToken);

        // A feature release mends nothing, and a password the whole world knows is still a way in: then the owner decides.
        if (record.Current.Find(mac) is not { Restraint: not Restraint.None } || !secured.IsSafe || !(offer.IsSecurity || secured.IsRotated)) return;
        var reason = secured.IsRotated ? $"It runs {offer.Version} and has a password of its own now." : $"It runs {offer.Version} now, which closes the hole.";
        await record.ApplyAsync(new RestraintSet(mac, Restraint.None, reason) { At = at }, cancellationToken);
    }

    /// <summary>The ways in that lead to a service this family is shipped with a known password for.</summary>
    public static IEnumerable<PortForward> OpenWaysIn(HomeState state, MacAddress mac, Pack pack) =>
        from forward in state.PortForwards.Values
        where forward.IsOpen && (forward.Thing == mac || forward.Address == state.Find(mac)?.Address?.ToString())
        where pack.Credentials.Any(credential => credential.Port == forward.ThingPort)
        orderby forward.Id
        select forward;
}
