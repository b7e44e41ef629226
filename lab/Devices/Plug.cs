using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text.Json;
using Gatehouse.Lab.Net;

namespace Gatehouse.Lab.Devices;

/// <summary>Where and how one plug is set up.</summary>
internal sealed record PlugSettings
{
    public required string Namespace { get; init; }
    public string Interface { get; init; } = "eth0";

    /// <summary>Its flash: the image it runs. Kept from run to run.</summary>
    public required string State { get; init; }

    public string Firmware { get; init; } = "14.2.0(release-tasmota)";

    /// <summary>The name it tells in DHCP and mDNS: Tasmota's <c>tasmota-</c>, the last three bytes of its MAC and a number.</summary>
    public string Host { get; init; } = "tasmota-A1B2C3-5059";
    public string DeviceName { get; init; } = "Kitchen kettle";
    public string Mac { get; init; } = "";

    /// <summary>A fixed address, or null for DHCP.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>Its MQTT broker's name, asked for every few seconds; null: none.</summary>
    public string? Cloud { get; init; }
    public TimeSpan CloudInterval { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a restart takes.</summary>
    public TimeSpan RestartTime { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>
/// A smart plug with Tasmota's documented interface (tasmota.github.io/docs: Commands, Upgrading): <c>/cm?cmnd=</c> with Status, OtaUrl, Upgrade,
/// Restart, Power; <c>POST /u2</c> upload; the Server header, mDNS announcement and MQTT over TLS. The words follow the program, the code is the lab's own.
/// </summary>
internal sealed class Plug(PlugSettings settings) : IAsyncDisposable
{
    private readonly CancellationTokenSource _unplugged = new();
    private readonly TaskCompletionSource _booted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource _restart = new();
    private Task _power = Task.CompletedTask;
    private DhcpClient? _dhcp;
    private byte[]? _nextImage;
    private string _otaUrl = "http://ota.tasmota.com/tasmota/release/tasmota.bin.gz";
    private bool _isOn;

    private string FlashFile => Path.Combine(settings.State, "flash.bin");

    public IPAddress? Address { get; private set; }
    private IPAddress? NameServer { get; set; }
    public int Boots { get; private set; }

    /// <summary>True while its line to the broker is open.</summary>
    public bool IsCloudConnected { get; private set; }

    /// <summary>Makes its flash when it is new, and switches it on.</summary>
    public void Start()
    {
        Directory.CreateDirectory(settings.State);
        if (!File.Exists(FlashFile)) File.WriteAllBytes(FlashFile, PlugFirmware.Build(settings.Firmware));
        _power = RunAsync(_unplugged.Token);
    }

    /// <summary>Ends when it has an address and its first boot is done.</summary>
    public Task BootedAsync(TimeSpan limit, CancellationToken cancellationToken) => _booted.Task.WaitAsync(limit, cancellationToken);

    private async Task RunAsync(CancellationToken unplugged)
    {
        try
        {
            await JoinAsync(unplugged);
            while (true)
            {
                _restart = CancellationTokenSource.CreateLinkedTokenSource(unplugged);
                await BootAsync(_restart.Token);
                _restart.Dispose();
                unplugged.ThrowIfCancellationRequested();
                // An uploaded image becomes the running one by the restart, as on the chip (the bootloader copies it).
                if (_nextImage is not null) File.WriteAllBytes(FlashFile, _nextImage);
                _nextImage = null;
                await Task.Delay(settings.RestartTime, unplugged);
            }
        }
        catch (OperationCanceledException)
        {
            // Unplugged.
        }
        catch (LabException problem)
        {
            _booted.TrySetException(problem);
        }
    }

    private async Task JoinAsync(CancellationToken cancellationToken)
    {
        if (settings.Address is { } fixedAddress)
        {
            Address = fixedAddress;
            return;
        }

        // An ESP8266's lwIP client: host name, no vendor class.
        _dhcp = new DhcpClient(settings.Namespace, settings.Interface, settings.State, new(settings.Host, "", ["1", "3", "28", "6", "15", "44", "46", "47", "31", "33", "121", "43"]), null);
        _dhcp.Start();
        var lease = await _dhcp.LeaseAsync(TimeSpan.FromSeconds(60), cancellationToken);
        (Address, NameServer) = (lease.Address, lease.NameServer);
    }

    private async Task BootAsync(CancellationToken restart)
    {
        var image = File.ReadAllBytes(FlashFile);
        var version = PlugFirmware.VersionOf(image) ?? throw new LabException("The plug's flash holds no image.");
        Boots++;
        await using var web = new SmallHttpServer(settings.Namespace, 80, $"Tasmota/{version.Split('(')[0]} (ESP8266EX)", request => Answer(request, version));
        if (PlugFirmware.HasWebService(image)) web.Start();
        _booted.TrySetResult();
        var mdns = new MdnsAnnouncer(settings.Namespace, Address!, settings.Host, "_http._tcp.local", 80, []).RunAsync(restart);
        await Task.WhenAll(mdns, KeepCloudLineAsync(restart));
    }

    private HttpReply Answer(HttpRequest request, string version) => (request.Method, request.Path) switch
    {
        ("GET", "/cm") => Json(Command(request.Query.GetValueOrDefault("cmnd", ""), version)),
        ("GET", "/") => Html($"<title>{settings.DeviceName} - Main Menu</title></head><body><h3>Sonoff Basic Module</h3><h2>{settings.DeviceName}</h2><p>{(_isOn ? "ON" : "OFF")}</p><a href='/in'>Tasmota {version} by Theo Arends</a>"),
        ("GET", "/in") => Html($"<title>{settings.DeviceName} - Information</title></head><body><table><tr><th>Program Version</th><td>{version}</td></tr><tr><th>Hostname</th><td>{settings.Host}</td></tr></table>"),
        ("GET", "/up") => Html("<title>Firmware upgrade</title></head><body><form method='post' action='u2?fsz=' enctype='multipart/form-data'><input type='file' name='u2'><button type='submit'>Start upgrade</button></form>"),
        ("POST", "/u2") => Upload(request),
        _ => new(404, "text/plain", $"File Not Found\n\nURI: {request.Path}\nMethod: {request.Method}\nArguments: {request.Query.Count}\n"),
    };

    private object Command(string command, string version)
    {
        var words = command.Trim().Split(' ', 2, StringSplitOptions.TrimEntries);
        var value = words.Length > 1 ? words[1] : "";
        switch (words[0].ToLowerInvariant(), value)
        {
            case ("status", ""): return new { Status = Status() };
            case ("status", "0"): return new { Status = Status(), StatusFWR = FirmwareStatus(version), StatusNET = NetworkStatus(), StatusMQT = new { MqttHost = settings.Cloud ?? "", MqttPort = 8883 } };
            case ("status", "2"): return new { StatusFWR = FirmwareStatus(version) };
            case ("status", "5"): return new { StatusNET = NetworkStatus() };
            case ("otaurl", ""): return new { OtaUrl = _otaUrl };
            case ("otaurl", _):
                _otaUrl = value == "1" ? "http://ota.tasmota.com/tasmota/release/tasmota.bin.gz" : value;
                return new { OtaUrl = _otaUrl };
            case ("upgrade", "1"):
                _ = FetchAndRestartAsync(_otaUrl);
                return new { Upgrade = $"Version {version} from {_otaUrl}" };
            case ("upgrade", _): return new { Upgrade = $"1 or >{version} to upgrade" };
            case ("restart", "1"):
                RestartSoon();
                return new { Restart = "Restarting" };
            case ("power", ""): return new { POWER = _isOn ? "ON" : "OFF" };
            case ("power", _):
                _isOn = value.ToUpperInvariant() switch { "ON" or "1" => true, "TOGGLE" or "2" => !_isOn, _ => false };
                return new { POWER = _isOn ? "ON" : "OFF" };
            default: return new { Command = "Unknown" };
        }
    }

    private object Status() => new { Module = 1, DeviceName = settings.DeviceName, FriendlyName = new[] { settings.DeviceName }, Topic = settings.Host.Replace('-', '_'), Power = _isOn ? 1 : 0 };

    private static object FirmwareStatus(string version) => new
    {
        Version = version, BuildDateTime = "2026-01-15T12:00:00", Boot = 31, Core = "2_7_7", SDK = "2.2.2-dev(38a443e)", CpuFrequency = 80, Hardware = "ESP8266EX", CR = "402/699",
    };

    private object NetworkStatus() => new { Hostname = settings.Host, IPAddress = $"{Address}", Gateway = $"{NameServer}", DNSServer1 = $"{NameServer}", Mac = settings.Mac.ToUpperInvariant(), Webserver = 2, HTTP_API = 1 };

    private HttpReply Upload(HttpRequest request)
    {
        var image = FirstPart(request);
        if (image is null) return Html("<title>Upload</title></head><body><div><b>Upload <font color='red'>failed</font></b><br><br>No file selected</div>");
        if (PlugFirmware.VersionOf(image) is null) return Html("<title>Upload</title></head><body><div><b>Upload <font color='red'>failed</font></b><br><br>Magic byte is not 0xE9</div>");
        _nextImage = image;
        RestartSoon();
        return Html("<title>Upload</title></head><body><div><b>Upload <font color='green'>Successful</font></b><br><br>Device will restart in a few seconds</div>");
    }

    // RFC 7578: the first part's content, between the empty line after its headers and the next boundary.
    private static byte[]? FirstPart(HttpRequest request)
    {
        var boundary = request.Headers.GetValueOrDefault("Content-Type", "").Split("boundary=") is [_, var text] ? text.Trim('"') : null;
        if (boundary is null) return null;
        var start = request.Body.AsSpan().IndexOf("\r\n\r\n"u8);
        if (start < 0) return null;
        var rest = request.Body.AsSpan(start + 4);
        var end = rest.IndexOf(System.Text.Encoding.ASCII.GetBytes($"\r\n--{boundary}"));
        return end < 0 ? null : rest[..end].ToArray();
    }

    // Tasmota goes on answering for a moment, then restarts.
    private void RestartSoon() => _restart.CancelAfter(TimeSpan.FromSeconds(1));

    private async Task FetchAndRestartAsync(string url)
    {
        using var handler = new SocketsHttpHandler { ConnectCallback = async (context, token) =>
        {
            var address = IPAddress.TryParse(context.DnsEndPoint.Host, out var literal) ? literal : await ResolveAsync(context.DnsEndPoint.Host, token) ?? throw new IOException("no address");
            var socket = NetworkNamespace.Tcp(settings.Namespace);
            await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), token);
            return new NetworkStream(socket, ownsSocket: true);
        } };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(30) };
        try
        {
            var image = await client.GetByteArrayAsync(new Uri(url), _unplugged.Token);
            if (PlugFirmware.VersionOf(image) is null) return;
            _nextImage = image;
            RestartSoon();
        }
        catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException or LabException or UriFormatException)
        {
            // The device stays as it is; the next Status says the old version.
        }
    }

    private async Task<IPAddress?> ResolveAsync(string name, CancellationToken cancellationToken) => NameServer is null ? null
        : (await DnsQuestion.AskAsync(settings.Namespace, NameServer, name, TimeSpan.FromSeconds(2), cancellationToken))?.Addresses is [var first, ..] ? first : null;

    private async Task KeepCloudLineAsync(CancellationToken restart)
    {
        while (!restart.IsCancellationRequested)
        {
            try
            {
                if (settings.Cloud is { } cloud && await ResolveAsync(cloud, restart) is { } address) await SpeakMqttAsync(cloud, address, restart);
                await Task.Delay(settings.CloudInterval, restart);
            }
            catch (Exception problem) when (problem is OperationCanceledException or IOException or SocketException or System.Security.Authentication.AuthenticationException)
            {
                // No line; Tasmota tries again.
                if (!restart.IsCancellationRequested) await Task.Delay(settings.CloudInterval, CancellationToken.None);
            }
            finally
            {
                IsCloudConnected = false;
            }
        }
    }

    // MQTT 3.1.1: CONNECT, CONNACK, then PINGREQ and PINGRESP for as long as the line holds.
    private async Task SpeakMqttAsync(string cloud, IPAddress address, CancellationToken restart)
    {
        if (await NetworkNamespace.TryConnectAsync(settings.Namespace, new(address, 8883), TimeSpan.FromSeconds(3), restart) is not { } socket) return;
        await using var tls = new SslStream(new NetworkStream(socket, ownsSocket: true), false,
#pragma warning disable CA5359 // Tasmota's default checks a fingerprint it learns on first use, not a chain.
            (_, _, _, _) => true);
#pragma warning restore CA5359
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(restart);
        timeout.CancelAfter(TimeSpan.FromSeconds(5));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = cloud }, timeout.Token);
        var id = System.Text.Encoding.ASCII.GetBytes("DVES_" + settings.Host[^4..]);
        await tls.WriteAsync((byte[])[0x10, (byte)(12 + id.Length), 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 4, 2, 0, 30, 0, (byte)id.Length, .. id], timeout.Token);
        var answer = new byte[4];
        await tls.ReadExactlyAsync(answer, timeout.Token);
        IsCloudConnected = answer is [0x20, 2, _, 0];
        while (IsCloudConnected)
        {
            await Task.Delay(settings.CloudInterval, restart);
            using var ping = CancellationTokenSource.CreateLinkedTokenSource(restart);
            ping.CancelAfter(TimeSpan.FromSeconds(6));
            await tls.WriteAsync((byte[])[0xC0, 0], ping.Token);
            await tls.ReadExactlyAsync(answer.AsMemory(0, 2), ping.Token);
        }
    }

    private static HttpReply Json(object answer) => new(200, "application/json", JsonSerializer.Serialize(answer));

    private static HttpReply Html(string inner) => new(200, "text/html", string.Create(CultureInfo.InvariantCulture, $"<!DOCTYPE html><html lang=\"en\"><head><meta charset='utf-8'>{inner}</body></html>"));

    public async ValueTask DisposeAsync()
    {
        await _unplugged.CancelAsync();
        await _power;
        if (_dhcp is not null) await _dhcp.DisposeAsync();
        _unplugged.Dispose();
    }
}
