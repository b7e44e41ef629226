using System.Diagnostics.CodeAnalysis;
using Gatehouse.Home;
using Gatehouse.Mend.Drivers;
using Gatehouse.Packs;

namespace Gatehouse.Mend;

/// <summary>Everything one update needs, looked up once per step: the record may have changed in between.</summary>
internal sealed class UpdatePlan : IDisposable
{
    private UpdatePlan()
    {
    }

    public required UpdateJob Job { get; init; }
    public required Offer Offer { get; init; }
    public required Thing Thing { get; init; }
    public required Pack Pack { get; init; }
    public required IDeviceDriver Driver { get; init; }
    public required DriverPace Pace { get; init; }
    public required DeviceLink Link { get; init; }
    public required ThingObserver Observer { get; init; }
    public required FirmwareVersion To { get; init; }

    public string? Hardware => Link.Parameters.GetValueOrDefault("hardware");

    public static bool TryMake(
        HomeRecord record, PackLibrary packs, IReadOnlyList<IDeviceDriver> drivers, IDeviceNetwork network, UpdateJob job,
        [NotNullWhen(true)] out UpdatePlan? plan, [NotNullWhen(false)] out string? fault)
    {
        (plan, fault) = (null, null);
        var state = record.Current;
        if (!state.Offers.TryGetValue(job.OfferId, out var offer)) fault = "The offer it began with is gone from the record.";
        else if (state.Find(job.Thing) is not { } thing) fault = "The Thing is gone from the record.";
        else if (packs.Find(thing.Identity.Pack) is not { Update: { } update } pack) fault = "It is not known how this model is updated.";
        else if (drivers.FirstOrDefault(driver => driver.Name == update.Driver) is not { } driver) fault = $"There is no driver called '{update.Driver}'.";
        else if (driver.FaultsOf(update.Parameters) is { IsEmpty: false } faults) fault = $"Its pack cannot be used: {string.Join("; ", faults)}.";
        else if (!FirmwareVersion.TryParse(offer.Version, out var to)) fault = "The offered version cannot be compared.";
        else
        {
            var link = new DeviceLink(job.Thing, () => record.Current.Find(job.Thing)?.Address, update.Parameters, network);
            plan = new()
            {
                Job = job, Offer = offer, Thing = thing, Pack = pack, Driver = driver, Pace = driver.Pace.With(update.Parameters), Link = link, To = to,
                Observer = new ThingObserver(driver, link, pack, record.Time),
            };
        }

        return fault is null;
    }

    public void Dispose() => Link.Dispose();
}
