using System.Buffers.Binary;
using System.Net;
using Gatehouse.Wire;

namespace Gatehouse.Tests.Gateway.Wire;

/// <summary>Headers written field by field, independent of the decoders: what they say is what the standard's picture says.</summary>
public static class Bytes
{
    public static byte[] U16(int value) => [(byte)(value >> 8 & 0xFF), (byte)(value & 0xFF)];
    public static byte[] U32(long value) => [(byte)(value >> 24 & 0xFF), (byte)(value >> 16 & 0xFF), (byte)(value >> 8 & 0xFF), (byte)(value & 0xFF)];
    public static byte[] Mac(string text) => Convert.FromHexString(text.Replace(":", "", StringComparison.Ordinal));
    public static byte[] Address(string text) => IPAddress.Parse(text).GetAddressBytes();

    public static byte[] Ethernet(byte[] payload, int type = 0x0800, string source = "02:00:00:00:00:02", string destination = "02:00:00:00:00:01") =>
        [.. Mac(destination), .. Mac(source), .. U16(type), .. payload];

    public static byte[] Vlan(byte[] payload, int type = 0x0800, int control = 0x2005) => [.. U16(control), .. U16(type), .. payload];

    public static byte[] Ipv4(
        byte[] payload, IpProtocol protocol, string source = "192.0.2.2", string destination = "198.51.100.1",
        int? totalLength = null, byte[]? options = null, int fragment = 0x4000, int timeToLive = 64, int version = 4, int? headerWords = null)
    {
        options ??= [];
        return
        [
            (byte)(version << 4 | (headerWords ?? 5 + options.Length / 4)), 0, .. U16(totalLength ?? 20 + options.Length + payload.Length),
            .. U16(0x1234), .. U16(fragment),
            (byte)timeToLive, (byte)protocol, .. U16(0),
            .. Address(source), .. Address(destination), .. options, .. payload,
        ];
    }

    public static byte[] Ipv6(
        byte[] payload, IpProtocol next, string source = "2001:db8::2", string destination = "2001:db8:1::1", int? payloadLength = null, int version = 6) =>
    [
        (byte)(version << 4), 0, 0, 0, .. U16(payloadLength ?? payload.Length), (byte)next, 64,
        .. Address(source), .. Address(destination), .. payload,
    ];

    public static byte[] Tcp(
        byte[] payload, int sourcePort = 40000, int destinationPort = 23, TcpFlags flags = TcpFlags.Syn, long sequence = 1, long acknowledgement = 0,
        int? headerWords = null, byte[]? options = null)
    {
        options ??= [];
        return
        [
            .. U16(sourcePort), .. U16(destinationPort), .. U32(sequence), .. U32(acknowledgement),
            (byte)((headerWords ?? 5 + options.Length / 4) << 4), (byte)flags, .. U16(1024), .. U16(0), .. U16(0), .. options, .. payload,
        ];
    }

    public static byte[] Udp(byte[] payload, int sourcePort = 40000, int destinationPort = 53, int? length = null) =>
        [.. U16(sourcePort), .. U16(destinationPort), .. U16(length ?? 8 + payload.Length), .. U16(0), .. payload];

    public static byte[] Icmp(byte[] payload, int type = 8, int code = 0) => [(byte)type, (byte)code, .. U16(0), .. U32(0x00010001), .. payload];

    public static byte[] Arp(
        int operation = 1, string senderMac = "02:00:00:00:00:02", string sender = "192.0.2.2", string targetMac = "00:00:00:00:00:00", string target = "192.0.2.1",
        int hardware = 1, int hardwareLength = 6) =>
        [.. U16(hardware), .. U16(0x0800), (byte)hardwareLength, 4, .. U16(operation), .. Mac(senderMac), .. Address(sender), .. Mac(targetMac), .. Address(target)];

    public static Frame Frame(byte[] bytes, long time = 0, LinkType link = LinkType.Ethernet, int? originalLength = null) =>
        new() { Bytes = bytes, OriginalLength = originalLength ?? bytes.Length, TimestampNanoseconds = time, Link = link };

    /// <summary>A classic capture: header, then records of (time in nanoseconds, bytes, original length).</summary>
    public static byte[] Pcap(IEnumerable<(long Time, byte[] Bytes, int Original)> packets, bool little = true, bool nanoseconds = false, int link = 1)
    {
        var file = new MemoryStream();
        foreach (var field in new uint[] { nanoseconds ? 0xA1B23C4D : 0xA1B2C3D4, little ? 0x00040002u : 0x00020004u, 0, 0, 262144, (uint)link }) file.Write(Word(field, little));
        foreach (var (time, bytes, original) in packets)
        {
            var fraction = time % 1_000_000_000 / (nanoseconds ? 1 : 1000);
            foreach (var field in new[] { time / 1_000_000_000, fraction, bytes.Length, original }) file.Write(Word((uint)field, little));
            file.Write(bytes);
        }

        return file.ToArray();
    }

    /// <summary>A pcapng of one section and one interface whose clock ticks in 10^-<paramref name="power"/> seconds.</summary>
    public static byte[] Pcapng(IEnumerable<(long Time, byte[] Bytes, int Original)> packets, bool little = true, int power = 6, int link = 1, int flags = 0)
    {
        var file = new MemoryStream();
        file.Write(Block(0x0A0D0D0A, [.. Word(0x1A2B3C4D, little), .. Half(1, little), .. Half(0, little), .. Word(uint.MaxValue, little), .. Word(uint.MaxValue, little)], little));
        file.Write(Block(1, [.. Half(link, little), .. Half(0, little), .. Word(0, little), .. Half(9, little), .. Half(1, little), (byte)power, 0, 0, 0, .. Word(0, little)], little));
        file.Write(Block(0x0BAD, [1, 2, 3, 4], little)); // a kind nobody knows is passed over
        foreach (var (time, bytes, original) in packets)
        {
            var ticks = power == 9 ? (ulong)time : (ulong)time / 1000;
            byte[] options = flags == 0 ? [] : [.. Half(2, little), .. Half(4, little), .. Word((uint)flags, little), .. Word(0, little)];
            file.Write(Block(6, [
                .. Word(0, little), .. Word((uint)(ticks >> 32), little), .. Word((uint)(ticks & uint.MaxValue), little), .. Word((uint)bytes.Length, little), .. Word((uint)original, little),
                .. bytes, .. new byte[(4 - bytes.Length % 4) % 4], .. options], little));
        }

        return file.ToArray();
    }

    public static byte[] Block(uint type, byte[] body, bool little) =>
        [.. Word(type, little), .. Word((uint)(12 + body.Length), little), .. body, .. Word((uint)(12 + body.Length), little)];

    public static byte[] Word(uint value, bool little)
    {
        var bytes = new byte[4];
        if (little) BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        else BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Half(int value, bool little) => little ? [(byte)(value & 0xFF), (byte)(value >> 8)] : U16(value);
}
