using System.Collections.Immutable;
using Gatehouse.Trust;

namespace Gatehouse.Mend.Drivers;

/// <summary>Speaks one device protocol: reads a version, hands over an image. It decides nothing and keeps nothing: the engine does.</summary>
/// <remarks>A new one: a folder with its README, one line in <see cref="DriverTable"/>, and its row in the contract tests.</remarks>
public interface IDeviceDriver
{
    /// <summary>The name a pack uses: <c>tasmota</c>.</summary>
    string Name { get; }

    /// <summary>How long devices of this protocol take, and whether they fall back by themselves.</summary>
    DriverPace Pace { get; }

    /// <summary>What is wrong with a pack's parameters for this driver; empty when they are sound.</summary>
    ImmutableArray<string> FaultsOf(ImmutableDictionary<string, string> parameters);

    /// <summary>Asks the device what it runs now.</summary>
    /// <returns>The version in the form releases name it: without the variant that some devices add.</returns>
    /// <exception cref="DeviceUnreachableException">No answer.</exception>
    /// <exception cref="DeviceRefusedException">An answer that is no version, or a wish for a password.</exception>
    Task<FirmwareVersion> ReadVersionAsync(DeviceLink link, CancellationToken cancellationToken);

    /// <summary>Why an image that begins like this cannot be one for this protocol, or null. Asked before the device is touched.</summary>
    /// <param name="start">Its first bytes, at least 16 where it has so many.</param>
    string? Misfit(ReadOnlySpan<byte> start);

    /// <summary>Hands the image to the device's own updater. That this returns says nothing: only the version the device shows afterwards does.</summary>
    /// <returns>What the device said about it, fit to be shown, or null.</returns>
    /// <exception cref="DeviceUnreachableException">The connection broke. The device may have taken the image all the same.</exception>
    /// <exception cref="DeviceRefusedException">It refused before it had taken the image.</exception>
    Task<string?> InstallAsync(DeviceLink link, VerifiedImage image, CancellationToken cancellationToken);
}

/// <summary>How long devices of one protocol take. Upper bounds; a pack may set its own.</summary>
public sealed record DriverPace
{
    /// <summary>True where the device has two slots and goes back to the old one by itself when the new one does not come up.</summary>
    public required bool HasOwnFallback { get; init; }

    /// <summary>From the end of the upload until it restarts (parameter <c>activation-seconds</c>): before that, the old version says nothing yet.</summary>
    public required TimeSpan ActivationWait { get; init; }

    /// <summary>From the end of the upload until it answers with the new version (parameter <c>restart-seconds</c>).</summary>
    public required TimeSpan RestartWait { get; init; }

    /// <summary>From there until its own fall-back has brought the old version back (parameter <c>fallback-seconds</c>).</summary>
    public required TimeSpan FallbackWait { get; init; }

    /// <summary>How long the new version must answer without a break before it counts as up (parameter <c>steady-seconds</c>).</summary>
    public required TimeSpan SteadyWait { get; init; }

    /// <summary>Longest wait a pack may ask for.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromHours(1);

    /// <summary>This pace with a pack's own figures.</summary>
    public DriverPace With(ImmutableDictionary<string, string> parameters) => this with
    {
        ActivationWait = Seconds(parameters, "activation-seconds", ActivationWait),
        RestartWait = Seconds(parameters, "restart-seconds", RestartWait),
        FallbackWait = Seconds(parameters, "fallback-seconds", FallbackWait),
        SteadyWait = Seconds(parameters, "steady-seconds", SteadyWait),
    };

    /// <summary>What is wrong with the figures of <see cref="With"/>.</summary>
    public static IEnumerable<string> FaultsOf(ImmutableDictionary<string, string> parameters) =>
        from name in (string[])["activation-seconds", "restart-seconds", "fallback-seconds", "steady-seconds"]
        where parameters.TryGetValue(name, out var text) && !TryRead(text, out _)
        select $"'{name}' should be a number of seconds from 0 to {MaxWait.TotalSeconds:0}";

    private static TimeSpan Seconds(ImmutableDictionary<string, string> parameters, string name, TimeSpan usual) =>
        parameters.TryGetValue(name, out var text) && TryRead(text, out var wait) ? wait : usual;

    private static bool TryRead(string text, out TimeSpan wait)
    {
        var isNumber = ushort.TryParse(text, System.Globalization.NumberStyles.None, null, out var seconds);
        wait = TimeSpan.FromSeconds(seconds);
        return isNumber && wait <= MaxWait;
    }
}
