using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Trust;

namespace Gatehouse.Mend.Drivers.Swupdate;

/// <summary>Devices whose updater is swupdate with its web server. The updater takes the image; the device's own pages say what came of it.</summary>
public sealed class SwupdateDriver : IDeviceDriver
{
    private static readonly string[] _ports = ["port", "web-port"];

    public string Name => "swupdate";

    public DriverPace Pace { get; } = new()
    {
        HasOwnFallback = true,
        ActivationWait = TimeSpan.FromSeconds(60),
        RestartWait = TimeSpan.FromMinutes(3),
        FallbackWait = TimeSpan.FromMinutes(5),
        SteadyWait = TimeSpan.FromSeconds(5),
    };

    public ImmutableArray<string> FaultsOf(ImmutableDictionary<string, string> parameters) =>
    [
        .. from name in _ports
           where parameters.TryGetValue(name, out var text) && !(ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0)
           select $"'{name}' should be a port number",
        .. from path in parameters.TryGetValue("version-path", out var given) ? [given] : Array.Empty<string>()
           where !path.StartsWith('/') || path.Any(char.IsWhiteSpace)
           select "'version-path' should begin with '/' and have no blank",
        .. DriverPace.FaultsOf(parameters),
    ];

    // swupdate itself does not say what runs (its /version is 404), so the device's own page is asked.
    public async Task<FirmwareVersion> ReadVersionAsync(DeviceLink link, CancellationToken cancellationToken)
    {
        var answer = await link.GetAsync(link.Port("web-port", 80), link.Parameter("version-path", "/version"), cancellationToken);
        if (answer.Status == 200 && SwupdateMessages.TryReadVersion(answer.Body, out var version)) return version;
        throw new DeviceRefusedException($"it does not say its version (status {answer.Status})");
    }

    public string? Misfit(ReadOnlySpan<byte> start) => SwupdateMessages.IsArchive(start) ? null : "the image is not one for swupdate: it is no cpio archive";

    public async Task<string?> InstallAsync(DeviceLink link, VerifiedImage image, CancellationToken cancellationToken)
    {
        await using var bytes = image.OpenRead();
        var answer = await link.PostFileAsync(link.Port("port", 8080), "/upload", "file", "image.swu", bytes, image.Length, cancellationToken);
        // 200 comes for a tampered and for a downgraded image as well: it says that the bytes arrived, nothing more.
        return answer.Status == 200 ? null : throw new DeviceRefusedException($"its updater answers {answer.Status}");
    }
}
