using System.Buffers.Binary;
using System.Net;
using System.Text;
using Gatehouse.Wire;

namespace Gatehouse.Tests.Gateway.See;

/// <summary>Writes the frames that devices send, field by field.</summary>
internal static class Frames
{
    public static byte[] Arp(MacAddress from, string address) => Ethernet(from, 0x0806,
    [
        .. UInt16(1), .. UInt16(0x0800), 6, 4, .. UInt16(1),
        .. Bytes(from), .. IPAddress.Parse(address).GetAddressBytes(),
        0, 0, 0, 0, 0, 0, 192, 168, 77, 1,
    ]);

    public static byte[] Udp(MacAddress from, string source, ushort fromPort, ushort toPort, byte[] payload, string destination = "192.168.77.1") =>
        Ethernet(from, 0x0800, IPv4(17, source, destination, [.. UInt16(fromPort), .. UInt16(toPort), .. UInt16(8 + payload.Length), .. UInt16(0), .. payload]));

    public static byte[] Tcp(MacAddress from, string source, ushort fromPort, ushort toPort, byte[] payload, string destination = "192.168.77.1") =>
        Ethernet(from, 0x0800, IPv4(6, source, destination,
        [
            .. UInt16(fromPort), .. UInt16(toPort), 0, 0, 0, 1, 0, 0, 0, 1, 5 << 4, 0x18, .. UInt16(1024), .. UInt16(0), .. UInt16(0), .. payload,
        ]));

    public static byte[] Dhcp(MacAddress client, byte type, params (byte Code, byte[] Value)[] options) =>
    [
        1, 1, 6, 0, // BOOTREQUEST, Ethernet, six bytes, no hops
        0, 0, 0, 7, 0, 0, 0, 0, // transaction, seconds, flags
        .. new byte[16], // ciaddr, yiaddr, siaddr, giaddr
        .. Bytes(client), .. new byte[10], .. new byte[64], .. new byte[128],
        0x63, 0x82, 0x53, 0x63, 53, 1, type,
        .. options.SelectMany(option => (byte[])[option.Code, (byte)option.Value.Length, .. option.Value]),
        255,
    ];

    public static byte[] DhcpFrame(MacAddress client, string? hostName, string? vendorClass, byte[]? parameters = null) => Udp(client, "0.0.0.0", 68, 67, Dhcp(client, 1,
    [
        .. hostName is null ? [] : ((byte, byte[])[])[(12, Encoding.UTF8.GetBytes(hostName))],
        .. vendorClass is null ? [] : ((byte, byte[])[])[(60, Encoding.UTF8.GetBytes(vendorClass))],
        .. parameters is null ? [] : ((byte, byte[])[])[(55, parameters)],
    ]), "255.255.255.255");

    public static byte[] DnsFrame(MacAddress from, string source, string name)
    {
        var message = new DnsMessage { Id = 7, RecursionDesired = true, Questions = [new(DnsName.Parse(name), DnsType.A, DnsQuestion.Internet)] };
        var bytes = new byte[512];
        return message.TryWrite(bytes, out var written) ? Udp(from, source, 40000, 53, bytes[..written]) : throw new InvalidOperationException();
    }

    public static byte[] Ethernet(MacAddress from, ushort type, byte[] payload) =>
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, .. Bytes(from), .. UInt16(type), .. payload];

    public static byte[] IPv4(byte protocol, string source, string destination, byte[] payload) =>
    [
        0x45, 0, .. UInt16(20 + payload.Length), 0, 0, 0x40, 0, 64, protocol, 0, 0,
        .. IPAddress.Parse(source).GetAddressBytes(), .. IPAddress.Parse(destination).GetAddressBytes(), .. payload,
    ];

    public static Frame Frame(byte[] bytes, long nanoseconds, FrameDirection direction = FrameDirection.Incoming) => new()
    {
        Bytes = bytes, OriginalLength = bytes.Length, TimestampNanoseconds = nanoseconds, Link = LinkType.Ethernet, Direction = direction,
    };

    public static byte[] UInt16(int value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, checked((ushort)value));
        return bytes;
    }

    private static byte[] Bytes(MacAddress mac)
    {
        var bytes = new byte[6];
        mac.Write(bytes);
        return bytes;
    }
}
