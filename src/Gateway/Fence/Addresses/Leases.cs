using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Addresses;

/// <summary>An address dnsmasq gave out. <paramref name="HostName"/> is the device's own text, or null.</summary>
public readonly record struct Lease(MacAddress Mac, IPAddress Address, string? HostName, DateTimeOffset Until);

/// <summary>Reads dnsmasq's lease file.</summary>
internal static class Leases
{
    /// <summary>Lines read; dnsmasq itself stops at its own lease limit.</summary>
    public const int MaxLeases = 4096;

    private const int MaxHostName = 63;

    /// <summary>Leases that have not ended. A line that is not a whole IPv4 lease (the file is read while dnsmasq writes it) is passed over.</summary>
    public static ImmutableArray<Lease> Read(string text, DateTimeOffset now)
    {
        var leases = ImmutableArray.CreateBuilder<Lease>();
        foreach (var line in text.Split('\n').SkipLast(1).Take(MaxLeases))
        {
            // "1700003600 02:00:00:00:00:10 192.168.77.23 plug 01:02:…": end, MAC, address, name or *, client id or *.
            var fields = line.Split(' ');
            if (fields.Length != 5 || !long.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out var end)
                || !MacAddress.TryParse(fields[1], out var mac) || mac.IsGroup
                || !IPAddress.TryParse(fields[2], out var address) || address.AddressFamily != AddressFamily.InterNetwork) continue;

            // 0 is a lease without end.
            if (end > 32503680000) continue;
            var until = end == 0 ? DateTimeOffset.MaxValue : DateTimeOffset.FromUnixTimeSeconds(end);
            if (until <= now) continue;
            leases.Add(new(mac, address, HostName(fields[3]), until));
        }

        return leases.DrainToImmutable();
    }

    private static string? HostName(string text) =>
        text is "*" or "" ? null : text.Length <= MaxHostName ? text : text[..MaxHostName];
}
