using System.Net;
using System.Net.Sockets;
using Gatehouse.Wire;

namespace Gatehouse.Mend.Drivers;

/// <summary>Opens connections to devices: the edge of the process, which a test replaces by devices of its own.</summary>
public interface IDeviceNetwork
{
    /// <param name="thing">The device that is meant; another one at its address is not connected to.</param>
    /// <exception cref="SocketException">Nobody accepts there.</exception>
    /// <exception cref="IOException">Another device answers at this address.</exception>
    Task<Stream> ConnectAsync(MacAddress thing, IPEndPoint device, CancellationToken cancellationToken);
}

/// <summary>The LAN.</summary>
public sealed class LanDeviceNetwork : IDeviceNetwork
{
    private const string NeighbourTable = "/proc/net/arp";

    public async Task<Stream> ConnectAsync(MacAddress thing, IPEndPoint device, CancellationToken cancellationToken)
    {
        var socket = new Socket(device.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(device, cancellationToken);

            // Whoever answers ARP for the Thing's address would be handed its new password.
            if (OwnerOf(device.Address) is { } owner && owner != thing) throw new IOException($"another device, {owner}, answers at {device.Address}");
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Who the kernel sends to for an address of the LAN; null for one that is not on a LAN.</summary>
    private static MacAddress? OwnerOf(IPAddress address)
    {
        // proc(5): IP address, HW type, flags, HW address, mask, device; one line each after a heading.
        var text = address.ToString();
        var fields = File.ReadLines(NeighbourTable).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(fields => fields is [var first, ..] && first == text);
        return fields is [_, _, _, var mac, ..] && MacAddress.TryParse(mac, out var owner) && owner.Value != 0 ? owner : null;
    }
}
