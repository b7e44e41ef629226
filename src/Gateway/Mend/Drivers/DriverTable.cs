using Gatehouse.Mend.Drivers.Swupdate;
using Gatehouse.Mend.Drivers.Tasmota;

namespace Gatehouse.Mend.Drivers;

/// <summary>Every driver there is, one line each.</summary>
public static class DriverTable
{
    public static IReadOnlyList<IDeviceDriver> All { get; } =
    [
        new SwupdateDriver(),
        new TasmotaDriver(),
    ];

    /// <summary>The driver a pack names, or null.</summary>
    public static IDeviceDriver? Find(string name) => All.FirstOrDefault(driver => driver.Name == name);
}
