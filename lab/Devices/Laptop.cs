using System.Diagnostics;
using System.Globalization;

namespace Gatehouse.Lab.Devices;

/// <summary>
/// A general-purpose computer: a desktop's DHCP client, its check whether it is on line, many names, a browser's greeting; later it browses one site the
/// whole time, and what arrives is counted.
/// </summary>
internal sealed class Laptop(string inNamespace, string state, string host, string victim) : IAsyncDisposable
{
    /// <summary>Bytes of one page: enough round trips to feel a full uplink.</summary>
    private const int PagesPerSecond = 10;

    private static readonly string[] s_everyday =
    [
        "www.news.example", "mail.post.example", "cdn.pictures.example", "fonts.letters.example", "api.weather.example", "www.wiki.example", "video.tube.example", "ads.lots.example",
        "ocsp.trust.example", "static.shop.example", "search.find.example",
    ];

    /// <summary>The list NetworkManager's client asks for.</summary>
    public static DhcpManners Manners(string host) => new(host, "", ["1", "2", "6", "12", "15", "26", "28", "121", "3", "33", "40", "41", "42", "119", "249", "252", "17"]);

    private readonly Queue<(long At, long Bytes)> _arrived = new();
    private readonly Lock _gate = new();
    private DhcpClient? _dhcp;
    private RunningProgram? _everyday;
    private RunningProgram? _browser;

    public Lease? Lease { get; private set; }

    public async Task JoinAsync(CancellationToken cancellationToken)
    {
        _dhcp = new DhcpClient(inNamespace, "eth0", state, Manners(host), null);
        _dhcp.Start();
        Lease = await _dhcp.LeaseAsync(TimeSpan.FromSeconds(60), cancellationToken);
    }

    /// <summary>Begins what a desktop does by itself and a person does with it: the connectivity check, then one name after the other.</summary>
    public void StartEveryday()
    {
        var check = $"curl -s -m 3 -o /dev/null -A 'NetworkManager/1.42' http://connectivity-check.ubuntu.com/ ; curl -s -m 3 -o /dev/null {Browser} http://detectportal.firefox.com/success.txt";
        var names = string.Join(' ', s_everyday);
        _everyday = RunningProgram.Start(Path.Combine(state, "everyday.log"), null, LabFiles.Find("in"), inNamespace, state, "bash", "-c",
            $"while :; do {check}; for name in {names}; do curl -s -m 3 -o /dev/null {Browser} http://$name/; sleep 0.4; done; done");
    }

    private const string Agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    private const string Browser = $"-A '{Agent}' -H 'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' -H 'Accept-Language: de,en-US;q=0.7,en;q=0.3' -H 'Upgrade-Insecure-Requests: 1'";

    /// <summary>Begins to load the victim's page again and again, each time over a connection of its own.</summary>
    public void StartBrowsing() => _browser = RunningProgram.Start(Path.Combine(state, "browse.log"), OnPage, LabFiles.Find("in"), inNamespace, state,
        "stdbuf", "-oL", "curl", "-s", "--rate", $"{PagesPerSecond}/s", "--max-time", "3", "-A", Agent, "-H", "Connection: close", "-H", "Accept-Language: de,en-US;q=0.7,en;q=0.3",
        "-o", "/dev/null", "-w", "%{http_code} %{size_download} %{time_total}\\n", $"http://{victim}/?[1-1000000]");

    private void OnPage(string line)
    {
        if (line.Split(' ') is not [var code, var bytes, _]) return;
        lock (_gate) _arrived.Enqueue((Stopwatch.GetTimestamp(), code == "200" ? long.Parse(bytes, CultureInfo.InvariantCulture) : 0));
    }

    /// <summary>Bytes per second that arrived between two moments (<see cref="Stopwatch.GetTimestamp"/>).</summary>
    public double Goodput(long from, long until)
    {
        lock (_gate)
        {
            var bytes = _arrived.Where(page => page.At >= from && page.At < until).Sum(page => page.Bytes);
            return bytes / Math.Max(0.001, Stopwatch.GetElapsedTime(from, until).TotalSeconds);
        }
    }

    /// <summary>Runs a command on the laptop.</summary>
    public Task<CommandResult> RunAsync(IReadOnlyList<string> command, TimeSpan limit, CancellationToken cancellationToken) =>
        Shell.TryAsync(LabFiles.Find("in"), [inNamespace, state, .. command], limit, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        if (_everyday is not null) await _everyday.DisposeAsync();
        if (_dhcp is not null) await _dhcp.DisposeAsync();
    }
}
