using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gatehouse.Lab.Net;

/// <summary>Says by multicast DNS (RFC 6762, 6763) what service a device offers: at the start, when somebody asks, and every half minute.</summary>
internal sealed class MdnsAnnouncer(string inNamespace, IPAddress address, string host, string service, int port, IReadOnlyList<string> text)
{
    private static readonly IPEndPoint s_group = new(IPAddress.Parse("224.0.0.251"), 5353);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var socket = NetworkNamespace.Inside(inNamespace, () =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            made.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            made.Bind(new IPEndPoint(IPAddress.Any, 5353));
            made.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, address.GetAddressBytes());
            made.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(s_group.Address, address));
            made.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, 255);
            return made;
        });
        var announcement = Announcement();
        var question = Encoding.ASCII.GetBytes(service.Split('.')[0]);
        var buffer = new byte[2048];
        try
        {
            await socket.SendToAsync(announcement, s_group, cancellationToken);
            while (true)
            {
                using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                wait.CancelAfter(TimeSpan.FromSeconds(30));
                try
                {
                    var length = await socket.ReceiveAsync(buffer, wait.Token);
                    // A question (QR bit clear) that names the service or everything there is.
                    var isQuestion = length > 12 && (buffer[2] & 0x80) == 0;
                    if (!isQuestion || (buffer.AsSpan(0, length).IndexOf(question) < 0 && buffer.AsSpan(0, length).IndexOf("_services"u8) < 0)) continue;
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    // Nobody asked for half a minute: say it again.
                }

                await socket.SendToAsync(announcement, s_group, cancellationToken);
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or SocketException)
        {
            // Unplugged.
        }
    }

    private byte[] Announcement()
    {
        using var bytes = new MemoryStream();
        bytes.Write([0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
        var instance = $"{host}.{service}";
        Record(bytes, service, 12, 1, Name(instance));
        Record(bytes, instance, 33, 0x8001, [0, 0, 0, 0, (byte)(port >> 8), (byte)(port & 255), .. Name($"{host}.local")]);
        var txt = text.Count == 0 ? [0] : text.SelectMany(line => (byte[])[(byte)line.Length, .. Encoding.UTF8.GetBytes(line)]).ToArray();
        Record(bytes, instance, 16, 0x8001, txt);
        Record(bytes, $"{host}.local", 1, 0x8001, address.GetAddressBytes());
        return bytes.ToArray();
    }

    private static void Record(MemoryStream bytes, string name, int type, int dnsClass, byte[] data)
    {
        bytes.Write(Name(name));
        bytes.Write([(byte)(type >> 8), (byte)(type & 255), (byte)(dnsClass >> 8), (byte)(dnsClass & 255), 0, 0, 0, 120, (byte)(data.Length >> 8), (byte)(data.Length & 255)]);
        bytes.Write(data);
    }

    private static byte[] Name(string name)
    {
        using var bytes = new MemoryStream();
        DnsQuestion.WriteName(bytes, name);
        return bytes.ToArray();
    }
}
