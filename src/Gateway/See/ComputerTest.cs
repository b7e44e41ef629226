using System.Collections.Immutable;
using Gatehouse.Home;
using Gatehouse.Packs;

namespace Gatehouse.See;

/// <summary>What speaks for and against a device being a general-purpose computer or phone.</summary>
/// <param name="Behaviour">It behaves as somebody's computer does; at least <see cref="ComputerTest.BehavioursNeeded"/> different ways count as the family.</param>
/// <param name="Vendor">Its prefix belongs to a maker of computers or phones.</param>
/// <param name="Silence">It was asked, and offers none of the services that Things offer.</param>
/// <param name="Owner">The owner signed in from it.</param>
/// <param name="SelfDescription">What it says of itself in DHCP and mDNS; anybody can copy it, so it never decides.</param>
/// <param name="Against">What only a Thing does.</param>
internal sealed record ComputerSigns(
    ImmutableArray<Evidence> Behaviour, ImmutableArray<Evidence> Vendor, ImmutableArray<Evidence> Silence, ImmutableArray<Evidence> Owner,
    ImmutableArray<Evidence> SelfDescription, ImmutableArray<Evidence> Against)
{
    /// <summary>
    /// At least two families agree, one of them being what it does or who signed in, and nothing contradicts. Its prefix and its silence are not enough
    /// together: a Thing that is quiet, with a borrowed address, would have both.
    /// </summary>
    public bool IsComputer => Against.IsEmpty && ((Behaves && !(Vendor.IsEmpty && Silence.IsEmpty && Owner.IsEmpty)) || (!Owner.IsEmpty && !(Vendor.IsEmpty && Silence.IsEmpty)));

    /// <summary>It may be a computer, but does not show enough: the owner is asked.</summary>
    public bool IsInDoubt => !IsComputer && Against.IsEmpty && !(SelfDescription.IsEmpty && Behaviour.IsEmpty && Owner.IsEmpty && Vendor.IsEmpty);

    /// <summary>What the owner is shown beside the class.</summary>
    public ImmutableArray<Evidence> Shown => Against.IsEmpty ? [.. Owner, .. Behaviour, .. Vendor, .. Silence, .. SelfDescription] : Against;

    private bool Behaves => Behaviour.Length >= ComputerTest.BehavioursNeeded;
}

/// <summary>Tells computers and phones, which are let out, from Things, which are not. In doubt it is a Thing.</summary>
/// <remarks>
/// The attack is a Thing that describes itself as a computer: it copies host name, DHCP options and vendor class of one that is let out. So what a device
/// says of itself counts for nothing here; what is needed is in <see cref="ComputerSigns.IsComputer"/>.
/// </remarks>
internal static class ComputerTest
{
    /// <summary>Different kinds of behaviour that together are convincing.</summary>
    public const int BehavioursNeeded = 2;

    /// <summary>Owners of names asked for, from which on somebody seems to browse. Things ask for few names, over and over.</summary>
    public const int UnrelatedOwners = 8;

    // What operating systems and browsers ask to find out whether they are on line, by their makers' own documents.
    private static readonly ImmutableArray<(string Name, string System)> _onlineChecks =
    [
        ("connectivitycheck.gstatic.com", "Android, ChromeOS"), ("connectivitycheck.android.com", "Android"), ("clients3.google.com", "Android, Chrome"),
        ("captive.apple.com", "iOS, macOS"), ("www.msftconnecttest.com", "Windows"), ("dns.msftncsi.com", "Windows"), ("ipv6.msftconnecttest.com", "Windows"),
        ("detectportal.firefox.com", "Firefox"), ("connectivity-check.ubuntu.com", "Ubuntu"), ("nmcheck.gnome.org", "GNOME"),
        ("network-test.debian.org", "Debian"), ("fedoraproject.org", "Fedora"), ("networkcheck.kde.org", "KDE"), ("ping.archlinux.org", "Arch Linux"),
    ];

    // Holders of prefixes that are found in computers and phones and hardly anywhere else. Makers of both kinds (Samsung, Huawei, Xiaomi, Amazon, Google) say nothing.
    private static readonly ImmutableArray<string> _computerMakers =
    [
        "Apple", "Intel Corporate", "Dell", "LCFC", "Lenovo", "Micro-Star", "ASUSTek", "Giga-Byte", "Microsoft", "Framework Computer", "Wistron", "Compal", "Quanta Computer",
        "Clevo", "Motorola Mobility", "OnePlus", "Fairphone", "HTC", "vivo Mobile", "GUANGDONG OPPO", "System76", "Pegatron", "Elitegroup", "Fujitsu Client",
    ];

    // Holders of prefixes that are found in Things only: modules sold for building them in, and makers of nothing else.
    private static readonly ImmutableArray<string> _thingMakers =
    [
        "Espressif", "Tuya", "Hangzhou Hikvision", "Zhejiang Dahua", "Philips Lighting", "Signify", "Sonos", "Roku", "Ring ", "Nest Labs", "Wyze", "Axis Communications",
        "Withings", "eQ-3", "Osram", "Hi-flying", "Brother Industries", "Seiko Epson", "CANON", "Lexmark", "KYOCERA", "Netatmo", "ecobee", "Arlo", "Reolink", "Shelly", "Allterco",
        "ITEAD", "Broadlink", "Hangzhou Gubei", "Belkin", "LIFX", "Nanoleaf", "SimpliSafe", "Irobot", "Ecovacs", "Roborock", "Dreame", "Bose", "Nintendo", "HomeMatic", "AVM ",
        "Xiongmai", "Hangzhou Xiongmai", "Foscam", "Shenzhen Foscam", "Vivotek", "Mobotix", "SMA Solar", "Fronius", "Xerox", "RICOH", "KONICA", "OKI ",
    ];

    // Service types that people's computers offer too; every other one speaks for a Thing.
    private static readonly ImmutableArray<string> _computerServices =
    [
        "_workstation._tcp", "_smb._tcp", "_ssh._tcp", "_sftp-ssh._tcp", "_rfb._tcp", "_companion-link._tcp", "_device-info._tcp", "_airplay._tcp", "_raop._tcp", "_rdlink._tcp",
        "_afpovertcp._tcp", "_adisk._tcp", "_udisks-ssh._tcp", "_apple-mobdev2._tcp", "_remotepairing._tcp", "_asquic._udp", "_sleep-proxy._udp", "_googlezone._tcp", "_kdeconnect._udp",
        "_spotify-connect._tcp", "_services._dns-sd._udp", "_nfs._tcp", "_webdav._tcp", "_presence._tcp", "_dosvc._tcp",
    ];

    // Ports that a Thing's own services listen on; what else is open (a developer's web server on 8080) says nothing.
    private static readonly ImmutableArray<string> _thingPorts = ["23", "554", "2323", "5555"];

    /// <param name="recognised">What a known kind of Thing was recognised by; empty where none was.</param>
    public static ComputerSigns Judge(EvidenceSet evidence, string? vendor, ImmutableArray<Evidence> recognised) => new(
        Behaviour(evidence), Vendor(vendor, _computerMakers), Silence(evidence),
        [.. evidence.At(EvidenceSource.OwnerSignIn).Take(1).Select(_ => new Evidence(EvidenceSource.OwnerSignIn, "You signed in to the console from it."))],
        SelfDescription(evidence), Against(evidence, vendor, recognised));

    private static ImmutableArray<Evidence> Behaviour(EvidenceSet evidence)
    {
        var found = ImmutableArray.CreateBuilder<Evidence>();
        var names = evidence.At(EvidenceSource.DnsName).Concat(evidence.At(EvidenceSource.TlsServerName)).Distinct().ToList();
        var checks = _onlineChecks.Where(check => names.Contains(check.Name)).ToList();
        if (checks is [var check, ..]) found.Add(new(EvidenceSource.DnsName, $"{check.Name}: how {check.System} finds out if it is on line"));

        var owners = names.Select(DomainOwner.Of).Distinct().Count();
        if (owners >= UnrelatedOwners) found.Add(new(EvidenceSource.DnsName, $"names of {owners} different owners, as somebody who browses asks for"));
        if (evidence.At(EvidenceSource.HttpGreeting).Contains(HttpGreeting.Browser)) found.Add(new(EvidenceSource.HttpUserAgent, "a browser asked for a page in its reader's language"));
        if (evidence.At(EvidenceSource.TlsHello).Contains(TlsGrease)) found.Add(new(EvidenceSource.TlsHello, "greets TLS servers as browsers' engines do (RFC 8701)"));
        return found.ToImmutable();
    }

    internal const string TlsGrease = "GREASE";

    private static ImmutableArray<Evidence> Vendor(string? vendor, ImmutableArray<string> makers) =>
        vendor is not null && makers.Any(maker => vendor.StartsWith(maker, StringComparison.OrdinalIgnoreCase)) ? [new(EvidenceSource.Oui, vendor)] : [];

    private static ImmutableArray<Evidence> Silence(EvidenceSet evidence) =>
        evidence.AskedAt is not null && !evidence.At(EvidenceSource.OpenPort).Any(_thingPorts.Contains) && !evidence.At(EvidenceSource.HttpServer).Any() && !evidence.At(EvidenceSource.HttpTitle).Any()
            ? [new(EvidenceSource.OpenPort, "none of the services that Things offer (web pages, telnet, video)")] : [];

    private static ImmutableArray<Evidence> SelfDescription(EvidenceSet evidence)
    {
        var vendorClass = evidence.At(EvidenceSource.DhcpVendorClass).FirstOrDefault();
        var name = evidence.At(EvidenceSource.DhcpHostName).FirstOrDefault();
        var found = ImmutableArray.CreateBuilder<Evidence>();
        if (vendorClass is not null && _computerClasses.Any(known => vendorClass.StartsWith(known, StringComparison.OrdinalIgnoreCase))) found.Add(Shown(EvidenceSource.DhcpVendorClass, vendorClass));
        if (name is not null && _computerNames.Any(known => name.Contains(known, StringComparison.OrdinalIgnoreCase))) found.Add(Shown(EvidenceSource.DhcpHostName, name));
        if (evidence.At(EvidenceSource.MdnsService).Any(service => service is "_workstation._tcp" or "_companion-link._tcp" or "_smb._tcp")) found.Add(new(EvidenceSource.MdnsService, "offers what computers offer"));
        return found.ToImmutable();
    }

    private static readonly ImmutableArray<string> _computerClasses = ["MSFT 5.0", "MSFT 98", "android-dhcp", "dhcpcd-"];
    private static readonly ImmutableArray<string> _computerNames = ["DESKTOP-", "LAPTOP", "MacBook", "iMac", "iPhone", "iPad", "-PC", "Galaxy-", "Pixel-", "thinkpad", "notebook"];

    private static ImmutableArray<Evidence> Against(EvidenceSet evidence, string? vendor, ImmutableArray<Evidence> recognised)
    {
        var found = ImmutableArray.CreateBuilder<Evidence>();
        found.AddRange(recognised);
        found.AddRange(Vendor(vendor, _thingMakers));
        found.AddRange(evidence.At(EvidenceSource.OpenPort).Where(_thingPorts.Contains).Select(port => new Evidence(EvidenceSource.OpenPort, $"tcp/{port} is open, as on Things")));
        found.AddRange(evidence.At(EvidenceSource.MdnsService).Where(service => !_computerServices.Contains(service)).Take(3).Select(service => Shown(EvidenceSource.MdnsService, service)));
        found.AddRange(evidence.At(EvidenceSource.SsdpType).Where(type => type.StartsWith("urn:", StringComparison.OrdinalIgnoreCase)).Take(3).Select(type => Shown(EvidenceSource.SsdpType, type)));
        found.AddRange(evidence.At(EvidenceSource.DhcpMudUrl).Select(url => Shown(EvidenceSource.DhcpMudUrl, url)));
        found.AddRange(evidence.At(EvidenceSource.DhcpVendorClass).Where(text => text.StartsWith("udhcp", StringComparison.OrdinalIgnoreCase)).Select(text => Shown(EvidenceSource.DhcpVendorClass, text)));
        return found.ToImmutable();
    }

    private static Evidence Shown(string place, string text) => new(place, EvidenceText.Shown(text));
}
