using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Gatehouse.Fence;

/// <summary>The two sides this machine stands between. Checked when it is made; what the fence writes to the kernel comes from here and the record.</summary>
public sealed record GatewayNetwork
{
    /// <summary>Longest interface name the kernel takes (IFNAMSIZ less the zero).</summary>
    public const int MaxInterfaceName = 15;

    /// <exception cref="ArgumentException">An interface name the kernel would not take, or an address that is not IPv4.</exception>
    public GatewayNetwork(string lan, string wan, IPAddress lanAddress, int lanPrefixLength)
    {
        CheckInterface(lan, nameof(lan));
        CheckInterface(wan, nameof(wan));
        if (lan == wan) throw new ArgumentException("The LAN and the WAN are the same interface.", nameof(wan));
        if (lanAddress.AddressFamily != AddressFamily.InterNetwork) throw new ArgumentException("The LAN address is not IPv4.", nameof(lanAddress));
        if (lanPrefixLength is < 8 or > 30) throw new ArgumentException("The LAN's prefix length is not 8 to 30.", nameof(lanPrefixLength));

        (Lan, Wan, LanAddress) = (lan, wan, lanAddress);
        LanPrefix = new IPNetwork(Mask(lanAddress, lanPrefixLength), lanPrefixLength);
    }

    /// <summary>The interface the Things are on; a bridge, where they shall not reach each other.</summary>
    public string Lan { get; }

    /// <summary>The interface towards the Internet.</summary>
    public string Wan { get; }

    /// <summary>The gateway's own address on the LAN.</summary>
    public IPAddress LanAddress { get; }

    public IPNetwork LanPrefix { get; }

    /// <summary>Where DNS questions of the Internet go.</summary>
    public IPEndPoint Upstream { get; init; } = new(IPAddress.Loopback, 53);

    /// <summary>This machine's own addresses besides <see cref="LanAddress"/>: no DNS answer may lead a Thing to them.</summary>
    public ImmutableArray<IPAddress> OwnAddresses { get; init; } = [];

    /// <summary>Where plain HTTP of fenced devices is led (the page that says so), or null: it is dropped like the rest.</summary>
    public ushort? FencedPagePort { get; init; }

    private static void CheckInterface(string name, string parameter)
    {
        var fits = name.Length is > 0 and <= MaxInterfaceName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '@') && name is not ("." or "..");
        if (!fits) throw new ArgumentException($"'{name}' is not an interface name.", parameter);
    }

    private static IPAddress Mask(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var bit = length; bit < 32; bit++) bytes[bit / 8] &= (byte)(0xFF ^ 0x80 >> bit % 8);
        return new IPAddress(bytes);
    }
}
