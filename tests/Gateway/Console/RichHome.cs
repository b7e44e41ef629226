using System.Collections.Immutable;
using System.Net;
using Gatehouse.Console;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Tests.Gateway.Console;

/// <summary>A made-up home with something of everything, for looking at the pages.</summary>
public static class RichHome
{
    public static readonly MacAddress Plug = MacAddress.Parse("5c:cf:7f:00:00:01");
    public static readonly MacAddress Recorder = MacAddress.Parse("00:12:17:00:00:02");
    public static readonly MacAddress Printer = MacAddress.Parse("00:1b:a9:00:00:03");
    public static readonly MacAddress Lamp = MacAddress.Parse("00:17:88:00:00:04");
    public static readonly MacAddress Laptop = MacAddress.Parse("02:00:00:00:00:05");
    public static readonly MacAddress Phone = MacAddress.Parse("8a:00:00:00:00:06");
    public static readonly MacAddress Camera = MacAddress.Parse("e0:62:90:00:00:07");
    public static readonly MacAddress Stranger = MacAddress.Parse("02:00:00:00:00:08");

    /// <summary>A host name that would run, were it not escaped.</summary>
    public const string HostileName = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

    /// <summary>Everybody is here and behaves.</summary>
    public static async Task MoveInAsync(HomeRecord record, DateTimeOffset now, string laptopAddress = "192.168.77.15")
    {
        var day = now.AddDays(-3);
        await Seen(record, Plug, "192.168.77.11", "tasmota-8A2C", day);
        await Seen(record, Recorder, "192.168.77.12", "dvr4", day.AddMinutes(1));
        await Seen(record, Printer, "192.168.77.13", "BRW001BA9000003", day.AddMinutes(2));
        await Seen(record, Lamp, "192.168.77.14", "hall-lamp", day.AddMinutes(3));
        await Seen(record, Laptop, laptopAddress, "annas-laptop", day.AddMinutes(4));
        await Seen(record, Phone, "192.168.77.16", "Pixel-8", day.AddMinutes(5));
        await Seen(record, Camera, "192.168.77.17", "ipcam", day.AddMinutes(6));
        await Known(record, Plug, "Tasmota", "Sonoff Basic", "plug", "13.1.0", DeviceClass.Thing, "HTTP Server", "Tasmota/13.1.0 (ESP8266EX)", day);
        await Known(record, Recorder, "Anvil", "DVR4", "recorder", "1.0.0", DeviceClass.Thing, "DHCP option 60", "anvil-dvr4", day);
        await Known(record, Printer, "Brother", "HL-L2350DW", "printer", "1.52", DeviceClass.Thing, "mDNS service", "_ipp._tcp", day);
        await Known(record, Lamp, "Philips", "Hue White", "lamp", "1.104.2", DeviceClass.Thing, "mDNS TXT md", "Hue White", day);
        await Known(record, Laptop, null, null, "computer", null, DeviceClass.Computer, "HTTP User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)", day);
        await Known(record, Phone, "Google", null, "phone", null, DeviceClass.Computer, "connectivity check", "connectivitycheck.gstatic.com", day);
        await Known(record, Camera, "Foscam", null, "camera", null, DeviceClass.Thing, "OUI", "Foscam", day);
        await Apply(record, new ThingNamed(Laptop, "Anna's laptop") { At = day.AddHours(1) });
        await Apply(record, new ThingNamed(Lamp, "Lamp in the hall") { At = day.AddHours(1) });
        await Apply(record, new QuestionAsked(Recorder, QuestionKind.Reach, "cloud.anvil.example", [new TransportPort(TransportProtocol.Tcp, 443)], "Watching recordings from outside the house") { At = day.AddHours(2) });
        await Reply(record, Answer.Yes, day.AddHours(3));
        await Apply(record, new QuestionAsked(Camera, QuestionKind.Reach, "telemetry.foscam.example", Permission.UsualPorts, "") { At = day.AddHours(4) });
        await Reply(record, Answer.No, day.AddHours(5));
        await Apply(record, new PortForwardFound(TransportProtocol.Tcp, 23, "192.168.77.12", 23, Recorder) { At = day });
    }

    /// <summary>The plug wants its cloud, the lamp has an update, a stranger says it is a computer.</summary>
    public static async Task AskAsync(HomeRecord record, DateTimeOffset now)
    {
        await Apply(record, new QuestionAsked(Plug, QuestionKind.Reach, "mqtt.plug.example", [new TransportPort(TransportProtocol.Tcp, 8883)], "Switching it from outside the house") { At = now.AddMinutes(-12) });
        await Seen(record, Stranger, "192.168.77.18", "DESKTOP-9F2K", now.AddMinutes(-4));
        await Apply(record, new QuestionAsked(Stranger, QuestionKind.IsComputer, "DESKTOP-9F2K", [], "") { At = now.AddMinutes(-3) });
        await Apply(record, new OfferMade(Lamp, "hue", "white/1.108.1.bin", "1.108.1", new string('b', 64), false, []) { At = now.AddHours(-2) });
    }

    /// <summary>The recorder was taken over: it scans, floods, and is cut off.</summary>
    public static async Task AttackAsync(HomeRecord record, DateTimeOffset now)
    {
        await Apply(record, new FindingOpened(Recorder, "scan.telnet", FindingKind.Scan, Certainty.Suspected,
            "It knocked at 214 addresses in 8 seconds, looking for devices with Telnet open.",
            [new EvidenceItem("Addresses tried", "214"), new EvidenceItem("Port", "tcp/23"), new EvidenceItem("Limit", "20 in a minute")]) { At = now.AddSeconds(-140) });
        await Apply(record, new RestraintSet(Recorder, Restraint.Throttled, "It was looking for devices to break into.") { At = now.AddSeconds(-139) });
        await Apply(record, new FindingOpened(Recorder, "ddos.udp", FindingKind.Ddos, Certainty.Certain,
            "It sent 41,000 packets a second to one web site, trying to knock it off the Internet.",
            [new EvidenceItem("Packets a second", "41,000"), new EvidenceItem("Towards", "203.0.113.80, udp/443"), new EvidenceItem("Usual for it", "3")]) { At = now.AddSeconds(-95) });
        await Apply(record, new RestraintSet(Recorder, Restraint.CutOff, "It was attacking a web site.") { At = now.AddSeconds(-93) });
        await Apply(record, new OfferMade(Recorder, "anvil", "dvr4/1.1.0.swu", "1.1.0", new string('a', 64), true, ["CVE-2016-10401"]) { At = now.AddMinutes(-30) });
    }

    private static Task<HomeState> Seen(HomeRecord record, MacAddress mac, string address, string host, DateTimeOffset at) =>
        Apply(record, new ThingSeen(mac, IPAddress.Parse(address), host) { At = at });

    private static Task<HomeState> Known(
        HomeRecord record, MacAddress mac, string? vendor, string? model, string kind, string? firmware, DeviceClass of, string source, string text, DateTimeOffset at)
    {
        ImmutableArray<Evidence> evidence = [new Evidence(source, text)];
        return Apply(record, new ThingIdentified(mac, new Identity
        {
            Vendor = vendor is null ? null : new Claim(vendor, 0.95, evidence), Model = model is null ? null : new Claim(model, 0.9, evidence),
            Kind = new Claim(kind, 0.95, evidence), Firmware = firmware is null ? null : new Claim(firmware, 0.99, evidence), ClassEvidence = evidence,
        }, of) { At = at.AddSeconds(20) });
    }

    private static Task<HomeState> Reply(HomeRecord record, Answer answer, DateTimeOffset at) =>
        Apply(record, new QuestionAnswered(record.Current.OpenQuestions.Last().Id, answer) { At = at });

    private static Task<HomeState> Apply(HomeRecord record, Change change) => record.ApplyAsync(change, CancellationToken.None);
}

/// <summary>Traffic of a home where the recorder floods from 95 to 80 seconds ago.</summary>
public sealed class RichTraffic(TimeProvider time) : ITrafficHistory, IFenceCounters
{
    public IReadOnlyList<TrafficSecond> Of(MacAddress thing, int seconds)
    {
        var now = time.GetUtcNow();
        var history = new TrafficSecond[seconds];
        for (var i = 0; i < seconds; i++)
        {
            var ago = seconds - i;
            long usual = 2 + (i * 7 + (int)(thing.Value & 15) * 3) % 11;
            var (sent, stopped) = thing == RichHome.Recorder
                ? ago switch { > 140 => (usual, 0L), > 95 => (usual + 30, 22L), > 93 => (41_000L, 2_000L), > 40 => (38_000L - (95 - ago) * 400L, 38_000L - (95 - ago) * 400L), _ => (4L, 4L) }
                : (usual, thing == RichHome.Plug && i % 15 == 0 ? 3L : 0L);
            history[i] = new TrafficSecond(now.AddSeconds(-ago), sent, sent * 400, usual, usual * 300, stopped);
        }

        return history;
    }

    public FenceCount Of(MacAddress thing) => thing == RichHome.Recorder ? new FenceCount(12_400, 1_284_211) : new FenceCount(8_210, 412);
}
