using System.Text;

namespace Gatehouse.Tests.Gateway.Mend.Simulation;

/// <summary>Tasmota's web interface on a device with one place for firmware.</summary>
public sealed class SimulatedTasmota(JumpingClock clock) : SimulatedThing(clock)
{
    private byte[] _flash = Padded([0xE9], "version=1.0.0;web=yes");
    private bool _isArmed;

    public override string DriverName => "tasmota";
    public override string Running => Misbehaviour == Misbehaviour.ShowsWrongVersion && Uploads > 0 ? "9.9.9" : Said(_flash, "version") ?? "0.0.0";
    protected override bool HasWeb => Said(_flash, "web") == "yes";

    /// <summary>The web password, or null.</summary>
    public string? Password { get; set; }

    public override byte[] Image(string version, bool web = true) => Padded([0xE9], $"version={version};web={(web ? "yes" : "no")}");

    public void Flash(byte[] image) => _flash = image;

    // The page to put an image through is Tasmota's own: a firmware without it can be reached by nobody, so "web=no" is an unhealthy front page here.
    protected override bool Accepts(ushort port) => port == 80 || (port == 23 && Telnet is not null);

    protected override (int Status, string Body) Answer(SimulatedRequest request)
    {
        if (Password is not null) return (401, "{\"WARNING\":\"Need user=<username>&password=<password>\"}");
        if (!request.Headers.TryGetValue("referer", out var referer) || !referer.StartsWith($"http://{Address}", StringComparison.Ordinal)) return (200, "");
        switch (request.Path.Split('?')[0])
        {
            case "/":
                return HasWeb ? (200, "<html>") : (500, "");
            case "/cm":
                return (200, $"{{\"StatusFWR\":{{\"Version\":\"{Running}(tasmota)\",\"BuildDateTime\":\"2026-01-01T00:00:00\"}}}}");
            case "/up":
                _isArmed = true;
                return (200, "<html>");
            case "/u2":
                return (200, $"<div style='text-align:center;'><b>Upload {Upload(request)}</div>");
            default:
                return (404, "File Not Found");
        }
    }

    private string Upload(SimulatedRequest request)
    {
        if (!_isArmed || FileIn(request, "u2") is not { } image || image[0] != 0xE9) return "Failed</b><br>Invalid file signature";
        if (!TakeUpload()) return "Successful</b>";
        if (Misbehaviour == Misbehaviour.Dies) IsGone = true;
        _flash = image;
        _isArmed = false;
        TurnOff(TimeSpan.FromSeconds(Misbehaviour == Misbehaviour.LosesPowerInRestart ? 25 : 6));
        return "Successful</b>";
    }
}

/// <summary>swupdate's web server on a device with two slots, a boot counter and a trial, as the lab's recorder.</summary>
public sealed class SimulatedRecorder(JumpingClock clock) : SimulatedThing(clock)
{
    private static readonly TimeSpan _boot = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _trial = TimeSpan.FromSeconds(10);

    private readonly byte[][] _slots = [Padded("070702"u8.ToArray(), ";version=1.0.0;web=yes"), []];
    private int _active;
    private int? _onTrial;
    private int _boots;
    private DateTimeOffset _bootedAt = DateTimeOffset.MinValue;

    public override string DriverName => "swupdate";
    public override string Running => Misbehaviour == Misbehaviour.ShowsWrongVersion && Uploads > 0 ? "9.9.9" : Said(Slot, "version") ?? "0.0.0";
    protected override bool HasWeb => Said(Slot, "web") == "yes";
    public bool IsOnTrial => _onTrial is not null;
    private byte[] Slot => _slots[_onTrial ?? _active];

    public override byte[] Image(string version, bool web = true) => Padded("070702"u8.ToArray(), $";version={version};web={(web ? "yes" : "no")}");

    public override void CutPower() => Boot(TimeSpan.FromSeconds(4));

    protected override bool Accepts(ushort port) => port == 8099 || (port == 80 && HasWeb) || (port == 23 && Telnet is not null);

    // The device's own init: a slot on trial confirms itself once its web service has run for a while, or restarts, and the loader counts.
    protected override void Settle()
    {
        while (IsOn && _onTrial is not null && Clock.Now - _bootedAt >= _trial)
        {
            if (!HasWeb) Boot(_boot);
            else (_active, _onTrial) = (_onTrial.Value, null);
        }
    }

    protected override (int Status, string Body) Answer(SimulatedRequest request) => (request.Port, request.Path) switch
    {
        (80, "/version") => (200, Running + "\n"),
        (80, "/") => (200, "<html>"),
        (8099, "/upload") => Upload(request),
        _ => (404, ""),
    };

    private (int Status, string Body) Upload(SimulatedRequest request)
    {
        // 200 whatever it is, as the real one.
        if (FileIn(request, "file") is not { } image || !Encoding.Latin1.GetString(image, 0, 6).StartsWith("0707", StringComparison.Ordinal)) return (200, "");
        var isDowngrade = string.CompareOrdinal(Said(image, "version"), Running) < 0;
        if (!TakeUpload() || isDowngrade) return (200, "");
        if (Misbehaviour == Misbehaviour.Dies) IsGone = true;
        (_slots[1 - _active], _onTrial, _boots) = (image, 1 - _active, 0);
        Boot(Misbehaviour == Misbehaviour.LosesPowerInRestart ? TimeSpan.FromSeconds(25) : _boot);
        return (200, "");
    }

    private void Boot(TimeSpan off)
    {
        if (_onTrial is not null && ++_boots > 2) _onTrial = null;
        TurnOff(off);
        _bootedAt = Clock.Now + off;
    }
}
