using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace Gatehouse.Fence.Kernel;

/// <summary>A port of a bridge, and whether the bridge keeps it from its other isolated ports.</summary>
internal readonly record struct BridgePort(int Index, string Name, bool IsIsolated);

/// <summary>Interfaces, their addresses and bridge ports (rtnetlink).</summary>
internal static partial class Links
{
    private const ushort GetLink = 18;
    private const ushort SetLink = 19;
    private const ushort NewAddress = 20;
    private const ushort DeleteAddress = 21;
    private const ushort GetAddress = 22;

    private const int IfInfoSize = 16;
    private const int IfAddrSize = 8;
    private const int NameAttribute = 3;
    private const int MasterAttribute = 10;
    private const int ProtocolInfoAttribute = 12;
    private const int LinkInfoAttribute = 18;
    private const int LinkInfoSlaveData = 5;
    private const int BridgePortIsolated = 33;
    private const byte BridgeFamily = 7;
    private const byte InternetFamily = 2;

    /// <summary>The interface's index, or 0 where there is none of that name.</summary>
    public static int IndexOf(string interfaceName) => (int)if_nametoindex(interfaceName);

    /// <summary>The ports of a bridge; empty where the interface is not a bridge.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static List<BridgePort> Ports(string bridge)
    {
        var index = IndexOf(bridge);
        var ports = new List<BridgePort>();
        if (index == 0) return ports;

        using var netlink = new Netlink(Netlink.Route);
        Check(netlink.Request(GetLink, Netlink.DumpFlag, new byte[IfInfoSize], (_, body) =>
        {
            if (body.Length < IfInfoSize) return;
            var attributes = body[IfInfoSize..];
            var master = NetlinkAttributes.Find(attributes, MasterAttribute);
            if (master.Length != 4 || BinaryPrimitives.ReadInt32LittleEndian(master) != index) return;

            var slave = NetlinkAttributes.Find(NetlinkAttributes.Find(attributes, LinkInfoAttribute), LinkInfoSlaveData);
            var isolated = NetlinkAttributes.Find(slave, BridgePortIsolated);
            var name = Encoding.UTF8.GetString(NetlinkAttributes.Find(attributes, NameAttribute)).TrimEnd('\0');
            ports.Add(new(BinaryPrimitives.ReadInt32LittleEndian(body[4..]), name, isolated.Length == 1 && isolated[0] != 0));
        }), "list the bridge's ports");
        return ports;
    }

    /// <summary>Keeps a bridge port from the bridge's other isolated ports, or lets it to them.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void SetIsolated(int portIndex, bool isolated)
    {
        Span<byte> header = stackalloc byte[IfInfoSize];
        header[0] = BridgeFamily;
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], portIndex);
        var body = new NetlinkBody().Raw(header).Nest(ProtocolInfoAttribute, port => port.Add(BridgePortIsolated, [(byte)(isolated ? 1 : 0)]));
        using var netlink = new Netlink(Netlink.Route);
        Check(netlink.Request(SetLink, 0, body.Bytes, null), "set a bridge port");
    }

    /// <summary>True where the interface has exactly this IPv4 address.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static bool HasAddress(string interfaceName, IPAddress address)
    {
        var index = IndexOf(interfaceName);
        var wanted = address.GetAddressBytes();
        var found = false;
        using var netlink = new Netlink(Netlink.Route);
        Check(netlink.Request(GetAddress, Netlink.DumpFlag, [InternetFamily, 0, 0, 0, 0, 0, 0, 0], (_, body) =>
        {
            const int Local = 2;
            if (body.Length < IfAddrSize || BinaryPrimitives.ReadInt32LittleEndian(body[4..]) != index) return;
            found |= NetlinkAttributes.Find(body[IfAddrSize..], Local).SequenceEqual(wanted);
        }), "list the addresses");
        return found;
    }

    /// <summary>Gives the interface an IPv4 address.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void AddAddress(string interfaceName, IPAddress address, int prefixLength) =>
        ChangeAddress(NewAddress, Netlink.CreateFlag | Netlink.ReplaceFlag, interfaceName, address, prefixLength);

    /// <summary>Takes an IPv4 address from the interface.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void RemoveAddress(string interfaceName, IPAddress address, int prefixLength) =>
        ChangeAddress(DeleteAddress, 0, interfaceName, address, prefixLength);

    private static void ChangeAddress(ushort type, int flags, string interfaceName, IPAddress address, int prefixLength)
    {
        const int Address = 1;
        const int Local = 2;
        const int Broadcast = 4;
        Span<byte> header = stackalloc byte[IfAddrSize];
        (header[0], header[1]) = (InternetFamily, (byte)prefixLength);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], IndexOf(interfaceName));
        var bytes = address.GetAddressBytes();
        var last = bytes.ToArray();
        for (var bit = prefixLength; bit < 32; bit++) last[bit / 8] |= (byte)(0x80 >> bit % 8);

        var body = new NetlinkBody().Raw(header).Add(Local, bytes).Add(Address, bytes).Add(Broadcast, last);
        using var netlink = new Netlink(Netlink.Route);
        Check(netlink.Request(type, (ushort)flags, body.Bytes, null), $"change {interfaceName}'s addresses");
    }

    private static void Check(int error, string what)
    {
        if (error != 0) throw new IOException($"The kernel would not {what}: {new System.ComponentModel.Win32Exception(error).Message}.");
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint if_nametoindex(string name);
}
