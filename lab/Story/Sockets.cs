using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Gatehouse.Lab.Home;
using Gatehouse.Lab.Net;

namespace Gatehouse.Lab.Story;

/// <summary>What the observer tries from where a device stands.</summary>
internal sealed class Sockets(LabHome home)
{
    /// <summary>True when a TCP connection from the device's place opens; at the victim's site, when the site's own page comes back.</summary>
    public async Task<bool> ReachesAsync(string device, IPAddress address, int port, CancellationToken cancellationToken)
    {
        // Plain HTTP of a fenced device is led to the gateway's page that says so: an open connection alone would prove nothing there.
        if (address.Equals(HomeSeed.VictimAddress) && port == 80)
            return await PageAsync(device, address, port, "/", cancellationToken) is { } page && page.Contains($"<title>{home.Seed.Victim}", StringComparison.Ordinal);

        using var socket = await NetworkNamespace.TryConnectAsync(device, new(address, port), TimeSpan.FromSeconds(1.5), cancellationToken);
        return socket is not null;
    }

    /// <summary>Asks the gateway for a name, as the device would.</summary>
    public Task<DnsReply?> AskAsync(string device, string name, CancellationToken cancellationToken) =>
        DnsQuestion.AskAsync(device, home.Seed.LanAddress, name, TimeSpan.FromSeconds(3), cancellationToken);

    /// <summary>Asks a time server (RFC 4330); null when nothing answers.</summary>
    public static async Task<DateTimeOffset?> TimeAsync(string device, IPAddress server, CancellationToken cancellationToken)
    {
        using var socket = NetworkNamespace.Udp(device);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(server, 123), timeout.Token);
            var packet = new byte[48];
            packet[0] = 0x23;
            await socket.SendAsync(packet, timeout.Token);
            if (await socket.ReceiveAsync(packet, timeout.Token) < 48) return null;
            return new DateTimeOffset(1900, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(40)));
        }
        catch (Exception problem) when (problem is SocketException || (problem is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>A page of a device's web server asked from a place on the network; null when nothing answers.</summary>
    public static async Task<string?> PageAsync(string from, IPAddress address, int port, string path, CancellationToken cancellationToken)
    {
        using var socket = await NetworkNamespace.TryConnectAsync(from, new(address, port), TimeSpan.FromSeconds(2), cancellationToken);
        if (socket is null) return null;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n"), timeout.Token);
            var buffer = new byte[65536];
            var text = new StringBuilder();
            while (await socket.ReceiveAsync(buffer, timeout.Token) is > 0 and var count) text.Append(Encoding.UTF8.GetString(buffer, 0, count));
            return text.ToString().Split("\r\n\r\n", 2) is [_, var body] ? body : null;
        }
        catch (Exception problem) when (problem is SocketException || (problem is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>The version the recorder itself shows, asked from the gateway's side of the LAN.</summary>
    public async Task<string?> RecorderVersionAsync(CancellationToken cancellationToken) => home.Recorder.Address is { } address
        ? (await PageAsync(Topology.Gateway, address, 80, "/version", cancellationToken))?.Trim() : null;

    public async Task<string?> PlugVersionAsync(CancellationToken cancellationToken)
    {
        var page = home.Plug.Address is { } address ? await PageAsync(Topology.Gateway, address, 80, "/cm?cmnd=Status%202", cancellationToken) : null;
        return page?.Split("\"Version\":\"") is [_, var rest, ..] ? rest.Split('(', '"')[0] : null;
    }
}
