using System.Buffers.Binary;
using System.Net;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Kernel;

/// <summary>The kernel's own table of which MAC address answered for which IPv4 address (ARP).</summary>
internal static class Neighbours
{
    private const ushort GetNeighbour = 30;
    private const int DestinationAttribute = 1;
    private const int LinkAddressAttribute = 2;
    private const int NdMsgSize = 12;

    /// <summary>Who is at <paramref name="address"/> on <paramref name="interfaceName"/>, or null where the kernel does not know.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static MacAddress? Find(string interfaceName, IPAddress address)
    {
        var index = Links.IndexOf(interfaceName);
        if (index == 0) return null;

        MacAddress? found = null;
        var wanted = address.GetAddressBytes();
        using var netlink = new Netlink(Netlink.Route);
        netlink.Request(GetNeighbour, Netlink.DumpFlag, [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (_, body) =>
        {
            if (body.Length < NdMsgSize || BinaryPrimitives.ReadInt32LittleEndian(body[4..]) != index) return;
            var attributes = body[NdMsgSize..];
            var mac = NetlinkAttributes.Find(attributes, LinkAddressAttribute);
            if (mac.Length == MacAddress.Size && NetlinkAttributes.Find(attributes, DestinationAttribute).SequenceEqual(wanted)) found = MacAddress.Read(mac);
        });
        return found;
    }
}
