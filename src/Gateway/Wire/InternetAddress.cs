using System.Buffers.Binary;
using System.Net;

namespace Gatehouse.Wire;

/// <summary>An IPv4 or IPv6 address as a value of 16 bytes; IPv4 is held as <c>::ffff:a.b.c.d</c> (RFC 4291, 2.5.5.2), so that one table serves both.</summary>
/// <remarks><see cref="IPAddress"/> is a class; this is what the packet path compares and hashes.</remarks>
public readonly record struct InternetAddress(ulong High, ulong Low) : IComparable<InternetAddress>
{
    /// <summary>Length of an IPv6 address on the wire, in bytes.</summary>
    public const int Size = 16;

    private const ulong MappedIpv4 = 0xFFFF_0000_0000;

    public static InternetAddress FromIpv4(uint address) => new(0, MappedIpv4 | address);

    public static InternetAddress From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[Size];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
    }

    public bool IsIpv4 => High == 0 && Low >> 32 == 0xFFFF;

    /// <summary>The IPv4 address as a number, first octet highest; meaningless when <see cref="IsIpv4"/> is false.</summary>
    public uint Ipv4 => (uint)(Low & 0xFFFF_FFFF);

    /// <summary>0.0.0.0 or ::.</summary>
    public bool IsUnspecified => High == 0 && Low is MappedIpv4 or 0;

    /// <summary>224.0.0.0/4 or ff00::/8.</summary>
    public bool IsMulticast => IsIpv4 ? Ipv4 >> 28 == 0xE : High >> 56 == 0xFF;

    /// <summary>255.255.255.255. A directed broadcast is known only with the prefix.</summary>
    public bool IsBroadcast => IsIpv4 && Ipv4 == 0xFFFF_FFFF;

    /// <summary>127.0.0.0/8 or ::1.</summary>
    public bool IsLoopback => IsIpv4 ? Ipv4 >> 24 == 127 : High == 0 && Low == 1;

    /// <summary>169.254.0.0/16 or fe80::/10.</summary>
    public bool IsLinkLocal => IsIpv4 ? Ipv4 >> 16 == 0xA9FE : High >> 54 == 0x3FA;

    /// <summary>Private or shared space: 10/8, 172.16/12, 192.168/16, 100.64/10 (RFC 1918, RFC 6598), fc00::/7 (RFC 4193).</summary>
    public bool IsPrivate => IsIpv4
        ? Ipv4 >> 24 == 10 || Ipv4 >> 20 == 0xAC1 || Ipv4 >> 16 == 0xC0A8 || Ipv4 >> 22 == 0x191
        : High >> 57 == 0x7E;

    /// <summary>An address of somebody on the Internet: none of the special kinds above.</summary>
    public bool IsGlobal => IsIpv4 ? IsGlobalIpv4(Ipv4) : !IsPrivate && !IsMulticast && !IsLinkLocal && !IsLoopback && !IsUnspecified;

    // By the first octet: asked twice per packet.
    private static bool IsGlobalIpv4(uint address) => (address >> 24) switch
    {
        0 or 10 or 127 => false,
        100 => address >> 22 != 0x191,
        169 => address >> 16 != 0xA9FE,
        172 => address >> 20 != 0xAC1,
        192 => address >> 16 != 0xC0A8,
        < 224 => true,
        < 240 => false,
        _ => address != uint.MaxValue,
    };

    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
        return new IPAddress(IsIpv4 ? bytes[12..] : bytes);
    }

    /// <inheritdoc/>
    public int CompareTo(InternetAddress other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);

    /// <inheritdoc/>
    public override string ToString() => ToIPAddress().ToString();

    public static bool operator <(InternetAddress left, InternetAddress right) => left.CompareTo(right) < 0;
    public static bool operator >(InternetAddress left, InternetAddress right) => left.CompareTo(right) > 0;
    public static bool operator <=(InternetAddress left, InternetAddress right) => left.CompareTo(right) <= 0;
    public static bool operator >=(InternetAddress left, InternetAddress right) => left.CompareTo(right) >= 0;
}
