using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Trust;

namespace Gatehouse.Mend.Drivers.Tasmota;

/// <summary>Tasmota's documented HTTP interface: <c>Status 2</c> for the version, the upload form for the image, as its own web page uses it.</summary>
public sealed class TasmotaDriver : IDeviceDriver
{
    /// <summary>How an ESP image begins.</summary>
    private const byte EspMagic = 0xE9;

    /// <summary>How a compressed one does: the first byte of gzip.</summary>
    private const byte GzipMagic = 0x1F;

    public string Name => "tasmota";

    public DriverPace Pace { get; } = new()
    {
        // One image fits in its flash, so there is no second slot to fall back to.
        HasOwnFallback = false,
        ActivationWait = TimeSpan.FromSeconds(20),
        RestartWait = TimeSpan.FromSeconds(90),
        FallbackWait = TimeSpan.Zero,
        SteadyWait = TimeSpan.FromSeconds(3),
    };

    public ImmutableArray<string> FaultsOf(ImmutableDictionary<string, string> parameters) => [.. DriverPace.FaultsOf(parameters)];

    public async Task<FirmwareVersion> ReadVersionAsync(DeviceLink link, CancellationToken cancellationToken)
    {
        var answer = await link.GetAsync(WebPort(link), "/cm?cmnd=Status%202", cancellationToken);
        if (TasmotaMessages.IsWishForPassword(answer)) throw new DeviceRefusedException("it asks for its web password, which Gatehouse does not know");
        if (answer.Status == 200 && TasmotaMessages.TryReadVersion(answer.Body, out var version)) return version;
        throw new DeviceRefusedException($"it does not say its version (status {answer.Status})");
    }

    // The device looks at the first byte only; what else is wrong with an image it finds out after its restart.
    public string? Misfit(ReadOnlySpan<byte> start) =>
        start.IsEmpty || start[0] is not (EspMagic or GzipMagic) ? "the image is not one for Tasmota: it begins with neither an ESP header nor gzip" : null;

    public async Task<string?> InstallAsync(DeviceLink link, VerifiedImage image, CancellationToken cancellationToken)
    {
        // Opening the page tells the device that the next upload is firmware, not settings.
        var page = await link.GetAsync(WebPort(link), "/up", cancellationToken);
        if (page.Status != 200) throw new DeviceRefusedException(page.Status == 401 ? "it asks for its web password, which Gatehouse does not know" : $"its upgrade page answers {page.Status}");

        await using var bytes = image.OpenRead();
        // ESP32 builds compare fsz with the free space before they write.
        var path = string.Create(CultureInfo.InvariantCulture, $"/u2?fsz={image.Length}");
        var answer = await link.PostFileAsync(WebPort(link), path, "u2", "firmware.bin", bytes, image.Length, cancellationToken);
        return TasmotaMessages.ReadRemark(answer.Text);
    }

    private static ushort WebPort(DeviceLink link) => link.Port("port", 80);
}
