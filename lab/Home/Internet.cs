using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gatehouse.Lab.Home;

/// <summary>The Internet of made-up names: dnsmasq answers for them, nginx is the makers' mirror and the victim, ngircd is somebody's master, and two clouds.</summary>
internal sealed class Internet(HomeSeed seed, string folder) : IAsyncDisposable
{
    /// <summary>Names every operating system asks for to see whether it is on line, and what people read; they lead to one plain web server.</summary>
    private static readonly string[] s_everyday =
    [
        "connectivity-check.ubuntu.com", "detectportal.firefox.com", "nmcheck.gnome.org", "www.msftconnecttest.com", "captive.apple.com", "connectivitycheck.gstatic.com",
        "www.news.example", "mail.post.example", "cdn.pictures.example", "fonts.letters.example", "api.weather.example", "www.wiki.example", "video.tube.example", "ads.lots.example",
        "ocsp.trust.example", "static.shop.example", "search.find.example",
    ];

    private readonly List<RunningProgram> _programs = [];
    private readonly List<Socket> _listeners = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _clouds = [];

    /// <summary>The mirror's document root: one folder per maker's repository.</summary>
    public string MirrorRoot => Path.Combine(folder, "mirror");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(MirrorRoot);
        Directory.CreateDirectory(Path.Combine(folder, "victim"));
        // 48 KiB: a page with its pictures, several round trips long.
        await File.WriteAllTextAsync(Path.Combine(folder, "victim/index.html"), $"<!DOCTYPE html><title>{seed.Victim}</title>" + new string('.', 48 << 10), cancellationToken);
        Start("dnsmasq", "dnsmasq", ["-k", "--conf-file=" + WriteNames(), "--user=root", "--group=root", "--pid-file=" + Path.Combine(folder, "dnsmasq.pid")]);
        Start("nginx", "nginx", ["-c", WriteNginx(), "-p", folder, "-e", Path.Combine(folder, "nginx-error.log")]);
        Start("ngircd", "ngircd", ["-n", "-f", WriteNgircd()]);
        var certificate = MakeCertificate();
        Serve(HomeSeed.PlugCloudAddress, 8883, socket => BrokerAsync(socket, certificate, _stop.Token));
        Serve(HomeSeed.RecorderCloudAddress, 443, socket => GreetAsync(socket, _stop.Token));
        await WaitForNamesAsync(cancellationToken);
    }

    private void Start(string name, string program, string[] arguments) =>
        _programs.Add(RunningProgram.Start(Path.Combine(folder, name + ".log"), null, LabFiles.Find("in"), [Topology.Internet, folder, program, .. arguments]));

    private string WriteNames()
    {
        List<string> lines = ["no-resolv", "no-hosts", "bind-interfaces", $"listen-address={HomeSeed.NameServer}", "local-ttl=20", "cache-size=0", "local=/example/", "auth-ttl=20"];
        foreach (var (name, address) in new[]
        {
            (seed.Mirror, HomeSeed.MirrorAddress), (seed.Victim, HomeSeed.VictimAddress), (seed.PlugCloud, HomeSeed.PlugCloudAddress),
            (seed.RecorderCloud, HomeSeed.RecorderCloudAddress), (seed.Master, HomeSeed.MasterAddress),
        }.Concat(s_everyday.Select(name => (name, HomeSeed.EverydayAddress)))) lines.Add($"host-record={name},{address}");
        return WriteFile("names.conf", string.Join('\n', lines) + "\n");
    }

    private string WriteNginx()
    {
        foreach (var name in (string[])["body", "proxy", "fastcgi", "uwsgi", "scgi"]) Directory.CreateDirectory(Path.Combine(folder, "nginx", name));
        return WriteFile("nginx.conf",
            $$"""
            daemon off; master_process off; pid {{folder}}/nginx.pid;
            events { worker_connections 512; }
            http {
                access_log off; default_type application/octet-stream; types { text/html html; application/json json; }
                client_body_temp_path {{folder}}/nginx/body; proxy_temp_path {{folder}}/nginx/proxy; fastcgi_temp_path {{folder}}/nginx/fastcgi;
                uwsgi_temp_path {{folder}}/nginx/uwsgi; scgi_temp_path {{folder}}/nginx/scgi;
                server { listen {{HomeSeed.MirrorAddress}}:80; root {{MirrorRoot}}; add_header Cache-Control no-store; }
                server { listen {{HomeSeed.VictimAddress}}:80; root {{folder}}/victim; try_files /index.html =404; }
                server { listen {{HomeSeed.EverydayAddress}}:80; return 204; }
            }

            """);
    }

    private string WriteNgircd() => WriteFile("ngircd.conf",
        $"""
        [Global]
        Name = {seed.Master}
        Info = pond
        Listen = {HomeSeed.MasterAddress}
        MotdPhrase = hello
        [Limits]
        [Options]
        PAM = no
        DNS = no
        Ident = no

        """);

    private string WriteFile(string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={seed.PlugCloud}", key, HashAlgorithmName.SHA256);
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }

    private void Serve(IPAddress address, int port, Func<Socket, Task> talk)
    {
        var listener = NetworkNamespace.Inside(Topology.Internet, () =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(128);
            return socket;
        });
        _listeners.Add(listener);
        _clouds.Add(AcceptAsync(listener, talk));
    }

    private async Task AcceptAsync(Socket listener, Func<Socket, Task> talk)
    {
        var talks = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync(_stop.Token);
                talks.RemoveAll(task => task.IsCompleted);
                talks.Add(TalkAsync(socket, talk));
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(talks);
        }
    }

    private static async Task TalkAsync(Socket socket, Func<Socket, Task> talk)
    {
        try
        {
            await talk(socket);
        }
        catch (Exception problem) when (problem is IOException or SocketException or OperationCanceledException or AuthenticationException or ObjectDisposedException)
        {
            // The other side went away.
        }
        finally
        {
            socket.Dispose();
        }
    }

    // MQTT 3.1.1 over TLS, as much as a plug needs: CONNACK to CONNECT, PINGRESP to PINGREQ.
    private static async Task BrokerAsync(Socket socket, X509Certificate2 certificate, CancellationToken cancellationToken)
    {
        await using var tls = new SslStream(new NetworkStream(socket));
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, cancellationToken);
        var buffer = new byte[512];
        while (await tls.ReadAsync(buffer, cancellationToken) is > 0)
        {
            if (buffer[0] == 0x10) await tls.WriteAsync((byte[])[0x20, 2, 0, 0], cancellationToken);
            if (buffer[0] == 0xC0) await tls.WriteAsync((byte[])[0xD0, 0], cancellationToken);
        }
    }

    private static async Task GreetAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[512];
        while (await socket.ReceiveAsync(buffer, cancellationToken) is > 0)
        {
        }
    }

    private async Task WaitForNamesAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            if (await Net.DnsQuestion.AskAsync(Topology.Internet, HomeSeed.NameServer, seed.Victim, TimeSpan.FromMilliseconds(300), cancellationToken) is { Addresses.Count: > 0 }) return;
            await Task.Delay(100, cancellationToken);
        }

        throw new LabException($"The made-up Internet's name server does not answer; see {folder}/dnsmasq.log");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var listener in _listeners) listener.Dispose();
        await Task.WhenAll(_clouds);
        foreach (var program in _programs) await program.DisposeAsync();
        _stop.Dispose();
    }
}
