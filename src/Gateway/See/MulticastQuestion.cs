using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>The two questions that every device on a LAN listens for: which services are there (DNS-SD), and which UPnP devices.</summary>
internal static class MulticastQuestion
{
    /// <summary>How long our own socket stays open: answers to a search come to it, and a closed port would be answered with an error.</summary>
    private static readonly TimeSpan _answersWithin = TimeSpan.FromSeconds(4);

    private static readonly IPEndPoint _mdns = new(IPAddress.Parse("224.0.0.251"), MdnsMessage.Port);
    private static readonly IPEndPoint _ssdp = new(IPAddress.Parse("239.255.255.250"), SsdpMessage.Port);

    // The list of all types, and the types that most Things of a home have, so that one round is enough (RFC 6763, 9).
    private static readonly string[] _types = ["_services._dns-sd._udp", "_ipp._tcp", "_hap._tcp", "_http._tcp", "_googlecast._tcp", "_matter._tcp"];

    /// <summary>Asks once from the gateway's own address on the LAN. A LAN that is down is asked the next time.</summary>
    public static async Task AskAsync(IPNetwork lan, TimeProvider time, CancellationToken cancellationToken)
    {
        if (OwnAddress(lan) is not { } own) return;
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(own, 0));
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, own.GetAddressBytes());
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, 2);
            await socket.SendToAsync(DnsSd(), _mdns, cancellationToken);
            await socket.SendToAsync("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 2\r\nST: ssdp:all\r\n\r\n"u8.ToArray(), _ssdp, cancellationToken);
            await Task.Delay(_answersWithin, time, cancellationToken);
        }
        catch (SocketException)
        {
        }
    }

    private static ReadOnlyMemory<byte> DnsSd()
    {
        var question = new DnsMessage { Questions = [.. _types.Select(type => new DnsQuestion(DnsName.Parse($"{type}.local"), DnsType.PTR, DnsQuestion.Internet))] };
        var bytes = new byte[512];
        return question.TryWrite(bytes, out var written) ? bytes.AsMemory(0, written) : throw new System.Diagnostics.UnreachableException();
    }

    private static IPAddress? OwnAddress(IPNetwork lan) =>
        (from card in NetworkInterface.GetAllNetworkInterfaces()
         from address in card.GetIPProperties().UnicastAddresses
         where lan.Contains(address.Address)
         select address.Address).FirstOrDefault();
}
