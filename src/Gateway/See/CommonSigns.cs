using System.Collections.Immutable;
using Gatehouse.Packs;

namespace Gatehouse.See;

/// <summary>What a sign says of any device, whoever made it, by the standard that defines the sign.</summary>
internal sealed record CommonSign(EvidenceSource Source, TextTest Test, string Text, string? Vendor, string? Kind, double Weight)
{
    public bool Fits(string text) => Test switch
    {
        TextTest.Is => text.Equals(Text, StringComparison.OrdinalIgnoreCase),
        TextTest.StartsWith => text.StartsWith(Text, StringComparison.OrdinalIgnoreCase),
        _ => text.Contains(Text, StringComparison.OrdinalIgnoreCase),
    };
}

/// <summary>
/// Signs that are common to makers: service types, device types, accessory categories. A pack knows its family better; these serve where no pack fits.
/// </summary>
internal static class CommonSigns
{
    /// <summary>Sources whose text is itself the claim, best first.</summary>
    public static ImmutableArray<(EvidenceSource Source, double Weight)> VendorTexts { get; } =
    [
        (EvidenceSource.Of(EvidenceSource.UpnpManufacturer), 0.85), (EvidenceSource.Txt("manufacturer"), 0.8), (EvidenceSource.Txt("usb_mfg"), 0.8),
        (EvidenceSource.Txt("mfg"), 0.7), (EvidenceSource.Txt("vendor"), 0.7), (EvidenceSource.Txt("brand"), 0.7),
    ];

    public static ImmutableArray<(EvidenceSource Source, double Weight)> ModelTexts { get; } =
    [
        (EvidenceSource.Of(EvidenceSource.UpnpModel), 0.85), (EvidenceSource.Txt("md"), 0.8), (EvidenceSource.Txt("ty"), 0.8),
        (EvidenceSource.Txt("usb_mdl"), 0.7), (EvidenceSource.Txt("model"), 0.7), (EvidenceSource.Txt("modelname"), 0.7),
    ];

    public static ImmutableArray<(EvidenceSource Source, double Weight)> FirmwareTexts { get; } =
    [
        (EvidenceSource.Txt("fw"), 0.7), (EvidenceSource.Txt("fv"), 0.7), (EvidenceSource.Txt("firmware"), 0.7), (EvidenceSource.Txt("fw_version"), 0.7), (EvidenceSource.Txt("swversion"), 0.6),
    ];

    public static ImmutableArray<CommonSign> Table { get; } =
    [
        // Bonjour Printing Specification 1.2.1, 2; RFC 8010 (IPP).
        Service("_ipp._tcp", null, "printer", 0.7), Service("_ipps._tcp", null, "printer", 0.7), Service("_printer._tcp", null, "printer", 0.6),
        Service("_pdl-datastream._tcp", null, "printer", 0.7), Service("_uscan._tcp", null, "printer", 0.4), Service("_scanner._tcp", null, "scanner", 0.4),

        // HomeKit Accessory Protocol, non-commercial R2, 13-1 (accessory categories, TXT key ci).
        Category("2", "hub"), Category("3", "fan"), Category("4", "garage door"), Category("5", "lamp"), Category("6", "lock"),
        Category("7", "plug"), Category("8", "switch"), Category("9", "thermostat"), Category("10", "sensor"), Category("11", "alarm"),
        Category("12", "door"), Category("13", "window"), Category("14", "blind"), Category("15", "switch"), Category("17", "camera"),
        Category("18", "doorbell"), Category("19", "air purifier"), Category("20", "heater"), Category("21", "air conditioner"),
        Category("22", "humidifier"), Category("23", "dehumidifier"), Category("26", "speaker"), Category("28", "sprinkler"),
        Category("31", "television"), Category("33", "router"),
        Service("_hap._tcp", null, "smart home device", 0.3),

        // Matter 1.2, 4.3: commissionable and operational discovery.
        Service("_matter._tcp", null, "smart home device", 0.4), Service("_matterc._udp", null, "smart home device", 0.4),

        // DNS-SD service types as their makers registered them with IANA, or publish them in their interfaces' documents.
        Service("_hue._tcp", "Philips Hue", "hub", 0.8), Service("_axis-video._tcp", "Axis", "camera", 0.9), Service("_sonos._tcp", "Sonos", "speaker", 0.8),
        Service("_googlecast._tcp", null, "media player", 0.6), Service("_spotify-connect._tcp", null, "speaker", 0.4), Service("_airplay._tcp", null, "media player", 0.3),
        Service("_androidtvremote2._tcp", null, "television", 0.6), Service("_esphomelib._tcp", "ESPHome", "smart home device", 0.7),
        Service("_shelly._tcp", "Shelly", "switch", 0.6), Service("_miio._udp", "Xiaomi", "smart home device", 0.6), Service("_homeassistant._tcp", null, "hub", 0.5),

        // UPnP device types (UPnP Forum's device control protocols).
        Upnp("urn:schemas-upnp-org:device:InternetGatewayDevice:", "router", 0.8), Upnp("urn:schemas-upnp-org:device:WLANAccessPointDevice:", "router", 0.7),
        Upnp("urn:schemas-upnp-org:device:MediaRenderer:", "media player", 0.6), Upnp("urn:schemas-upnp-org:device:MediaServer:", "media server", 0.5),
        Upnp("urn:schemas-upnp-org:device:Printer:", "printer", 0.8), Upnp("urn:schemas-upnp-org:device:DigitalSecurityCamera:", "camera", 0.8),
        Upnp("urn:schemas-upnp-org:device:BinaryLight:", "lamp", 0.8), Upnp("urn:schemas-upnp-org:device:DimmableLight:", "lamp", 0.8),
        Upnp("urn:schemas-upnp-org:device:HVAC_System:", "thermostat", 0.8), Upnp("urn:dial-multiscreen-org:", "television", 0.4),
        Text(EvidenceSource.SsdpServer, TextTest.Contains, "IpBridge/", "Philips Hue", "hub", 0.7),

        // A web server that asks for a password in the name of a camera.
        Text(EvidenceSource.HttpRealm, TextTest.Contains, "camera", null, "camera", 0.6), Text(EvidenceSource.HttpRealm, TextTest.Contains, "DVR", null, "recorder", 0.6),
        Text(EvidenceSource.HttpTitle, TextTest.Contains, "camera", null, "camera", 0.5), Text(EvidenceSource.HttpTitle, TextTest.Contains, "DVR", null, "recorder", 0.5),
        Text(EvidenceSource.HttpTitle, TextTest.Contains, "printer", null, "printer", 0.5),
        Text(EvidenceSource.RtspServer, TextTest.Contains, "", null, "camera", 0.4),

        // Names that makers give their devices before an owner changes them.
        Text(EvidenceSource.DhcpHostName, TextTest.Contains, "camera", null, "camera", 0.5), Text(EvidenceSource.DhcpHostName, TextTest.Contains, "ipcam", null, "camera", 0.6),
        Text(EvidenceSource.DhcpHostName, TextTest.Contains, "plug", null, "plug", 0.4), Text(EvidenceSource.DhcpHostName, TextTest.Contains, "printer", null, "printer", 0.4),
    ];

    private static CommonSign Service(string type, string? vendor, string? kind, double weight) =>
        new(EvidenceSource.Of(EvidenceSource.MdnsService), TextTest.Is, type, vendor, kind, weight);

    private static CommonSign Category(string number, string kind) => new(EvidenceSource.Txt("ci"), TextTest.Is, number, null, kind, 0.8);

    private static CommonSign Upnp(string type, string kind, double weight) => new(EvidenceSource.Of(EvidenceSource.SsdpType), TextTest.StartsWith, type, null, kind, weight);

    private static CommonSign Text(string place, TextTest test, string text, string? vendor, string? kind, double weight) =>
        new(EvidenceSource.Of(place), test, text, vendor, kind, weight);
}
