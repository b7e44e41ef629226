using System.Collections.Frozen;

namespace Gatehouse.Packs;

/// <summary>
/// Where evidence was read, by the standard's own name for the place: <c>DHCP option 60</c>, <c>mDNS TXT md</c>, <c>HTTP Server</c>.
/// <see cref="TryParse"/> accepts exactly the places that See reads, so a rule of a pack that could never match is a fault of its file.
/// </summary>
public readonly record struct EvidenceSource
{
    /// <summary>Longest key after a place that takes one, in characters.</summary>
    public const int MaxKeyLength = 64;

    public const string Oui = "OUI";
    public const string DhcpHostName = "DHCP option 12";
    public const string DhcpParameterList = "DHCP option 55";
    public const string DhcpVendorClass = "DHCP option 60";
    public const string DhcpUserClass = "DHCP option 77";
    public const string DhcpFullName = "DHCP option 81";
    public const string DhcpMudUrl = "DHCP option 161";
    public const string MdnsName = "mDNS name";
    public const string MdnsService = "mDNS service";
    public const string MdnsInstance = "mDNS instance";
    public const string MdnsTxt = "mDNS TXT";
    public const string SsdpServer = "SSDP SERVER";
    public const string SsdpType = "SSDP ST";
    public const string SsdpUsn = "SSDP USN";
    public const string SsdpUserAgent = "SSDP USER-AGENT";
    public const string SsdpLocation = "SSDP LOCATION";
    public const string HttpServer = "HTTP Server";
    public const string HttpTitle = "HTTP title";
    public const string HttpRealm = "HTTP realm";
    public const string HttpBody = "HTTP body";
    public const string HttpUserAgent = "HTTP User-Agent";
    public const string HttpHost = "HTTP Host";
    public const string HttpGreeting = "HTTP greeting";
    public const string UpnpManufacturer = "UPnP manufacturer";
    public const string UpnpModel = "UPnP modelName";
    public const string UpnpModelNumber = "UPnP modelNumber";
    public const string UpnpDeviceType = "UPnP deviceType";
    public const string TelnetBanner = "telnet banner";
    public const string RtspServer = "RTSP Server";
    public const string DnsName = "DNS name";
    public const string TlsServerName = "TLS server name";
    public const string TlsHello = "TLS hello";
    public const string OpenPort = "open port";
    public const string OwnerSignIn = "owner signed in";

    private static readonly FrozenSet<string> _plain = FrozenSet.ToFrozenSet(
    [
        Oui, DhcpHostName, DhcpParameterList, DhcpVendorClass, DhcpUserClass, DhcpFullName, DhcpMudUrl, MdnsName, MdnsService, MdnsInstance,
        SsdpServer, SsdpType, SsdpUsn, SsdpUserAgent, SsdpLocation, HttpServer, HttpTitle, HttpRealm, HttpUserAgent, HttpHost,
        UpnpManufacturer, UpnpModel, UpnpModelNumber, UpnpDeviceType, TelnetBanner, RtspServer, DnsName, TlsServerName, TlsHello, OpenPort,
    ]);

    private EvidenceSource(string place, string? key) => (Place, Key) = (place, key);

    /// <summary>One of this type's constants.</summary>
    public string Place { get; }

    /// <summary>The TXT key in lower case, or the path of the page, for the two places that have one; else null.</summary>
    public string? Key { get; }

    /// <summary>A source that takes no key.</summary>
    public static EvidenceSource Of(string place) => new(place, null);

    /// <summary>The value of one key of a DNS-SD TXT record (RFC 6763, 6.4: keys are compared without regard to case).</summary>
    public static EvidenceSource Txt(string key) => new(MdnsTxt, key.ToLowerInvariant());

    /// <summary>The text of one page of the device's own web server.</summary>
    public static EvidenceSource Body(string path) => new(HttpBody, path);

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    public static bool TryParse(string text, out EvidenceSource source)
    {
        source = default;
        if (_plain.Contains(text)) source = Of(text);
        else if (KeyOf(text, MdnsTxt) is { } key) source = Txt(key);
        else if (KeyOf(text, HttpBody) is ['/', ..] path) source = Body(path);
        return source.Place is not null;
    }

    private static string? KeyOf(string text, string place) =>
        text.Length > place.Length + 1 && text.Length <= place.Length + 1 + MaxKeyLength
        && text.StartsWith(place, StringComparison.Ordinal) && text[place.Length] == ' ' && !text.AsSpan(place.Length + 1).ContainsAny(" \t\r\n")
            ? text[(place.Length + 1)..] : null;

    public override string ToString() => Key is null ? Place : $"{Place} {Key}";
}
