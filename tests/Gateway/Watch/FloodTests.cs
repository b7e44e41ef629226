using Gatehouse.Home;
using Gatehouse.Tests.Gateway.Wire;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Watch;

/// <summary>Floods, carried out packet by packet, at the rates household Things reach.</summary>
public sealed class FloodTests
{
    private const string Victim = "203.0.113.80";

    public static TheoryData<string, string, double> Floods => new()
    {
        // what, rule, packets a second
        { "SYN", "ddos.syn", 2000 }, { "SYN", "ddos.syn", 10_000 }, { "SYN", "ddos.syn", 150 },
        { "SYN to random ports", "ddos.syn", 2000 },
        { "SYN over a whole network", "ddos.syn", 2000 },
        { "ACK", "ddos.ack", 1500 }, { "ACK", "ddos.ack", 200 },
        { "UDP", "ddos.udp", 1500 }, { "UDP", "ddos.udp", 300 },
        { "UDP over a whole network", "ddos.udp", 1500 },
        { "UDP that the victim refuses", "ddos.udp", 1500 },
        { "GRE", "ddos.gre", 1000 }, { "GRE", "ddos.gre", 50 },
        { "ping", "ddos.icmp", 500 },
        { "spoofed SYN", "ddos.spoofed", 500 },
        { "questions", "ddos.dns", 150 },
        { "page requests", "ddos.http", 60 },
    };

    [Theory, MemberData(nameof(Floods))]
    public void A_flood_is_suspected_within_a_second_or_two_then_certain_and_ends(string what, string rule, double perSecond)
    {
        var scene = new Scene();
        scene.Named(Victim); // it had a permission for it: being named protects nobody
        scene.Wait(60);
        var begin = scene.Now;

        scene.Repeat(perSecond, 30, i => One(scene, what, i));
        scene.Wait(700);

        var limit = perSecond >= 1000 ? 0.5 : perSecond >= 300 ? 1 : 2;
        Assert.InRange((scene.OpenedAt(rule) ?? double.MaxValue) - begin, 0, limit);
        Assert.InRange((scene.CertainAt(rule) ?? double.MaxValue) - begin, 0.9, 21);
        Assert.NotNull(scene.EndedAt(rule));
        Assert.Equal(scene.Opened.Count(), scene.Opened.Distinct().Count());
    }

    [Fact]
    public void A_flood_to_a_server_that_answers_every_request_is_a_flood_all_the_same()
    {
        var scene = new Scene();

        scene.Repeat(2000, 2, i =>
        {
            var port = 1024 + i % 60_000;
            scene.TcpOut(Victim, 443, TcpFlags.Syn, port);
            scene.TcpIn(Victim, 443, TcpFlags.Syn | TcpFlags.Ack, port);
            scene.TcpOut(Victim, 443, TcpFlags.Rst, port); // the bot's own kernel knows of no such connection
        });

        Assert.InRange(scene.OpenedAt("ddos.syn") ?? double.MaxValue, 0, 1);
    }

    [Fact]
    public void Ordinary_traffic_at_a_high_rate_is_no_flood()
    {
        var scene = new Scene();
        scene.Named(Victim);
        scene.TcpOut(Victim, 443, TcpFlags.Syn);
        scene.TcpIn(Victim, 443, TcpFlags.Syn | TcpFlags.Ack);

        // A camera sends its picture by TCP at about 10 Mbit/s, and another by UDP to a relay that reports now and then.
        scene.Repeat(800, 60, i =>
        {
            scene.TcpOut(Victim, 443, TcpFlags.Ack, payload: new byte[1400]);
            if (i % 2 == 0) scene.TcpIn(Victim, 443, TcpFlags.Ack);
            if (i % 200 == 0) scene.UdpIn(Victim, 5000, [1]);
            scene.UdpOut(Victim, 5000, new byte[1200]);
        });

        Assert.Empty(scene.Opened);
    }

    [Fact]
    public void Thirty_devices_that_come_back_at_once_after_a_power_cut_are_no_flood()
    {
        var scene = new Scene();
        for (var device = 0; device < 30; device++)
        {
            var mac = $"02:00:00:00:01:{device:x2}";
            scene.Repeat(20, 2, i => scene.UdpOut("192.168.77.1", 53, [.. new byte[12], (byte)(i % 3), 3, .. "com"u8], mac: mac));
            for (var i = 0; i < 8; i++) scene.TcpOut($"203.0.113.{i}", 443, TcpFlags.Syn, 1000 + i, mac: mac, from: $"192.168.77.{100 + device}");
        }

        Assert.Empty(scene.Opened);
    }

    [Fact]
    public void A_computer_may_ping_and_open_many_connections()
    {
        var scene = new Scene();
        scene.Engine.SetClass(Scene.ThingMac, DeviceClass.Computer);

        scene.Repeat(40, 60, i => scene.Connection($"203.0.113.{i % 250}", 443, 1024 + i % 60_000, [1, 2, 3], [4, 5, 6]));

        Assert.Empty(scene.Opened);
    }

    private static void One(Scene scene, string what, int i)
    {
        var port = 1024 + i % 60_000;
        switch (what)
        {
            case "SYN": scene.TcpOut(Victim, 80, TcpFlags.Syn, port); break;
            case "SYN to random ports": scene.TcpOut(Victim, 1 + i * 7919 % 65_535, TcpFlags.Syn, port); break;
            case "SYN over a whole network": scene.TcpOut($"203.0.113.{i % 250}", 80, TcpFlags.Syn, port); break;
            case "ACK": scene.TcpOut(Victim, 443, TcpFlags.Ack, port, payload: new byte[512]); break;
            case "UDP": scene.UdpOut(Victim, 80, new byte[512], port); break;
            case "UDP over a whole network": scene.UdpOut($"203.0.113.{i % 250}", 80, new byte[512], port); break;
            case "UDP that the victim refuses":
                scene.UdpOut(Victim, 80, new byte[512], port);
                scene.Give(Bytes.Ethernet(Bytes.Ipv4(Bytes.Icmp(new byte[28], 3, 3), IpProtocol.Icmp, Victim, Scene.Own), source: Scene.Router, destination: Scene.Thing));
                break;
            case "GRE": scene.IpOut(Victim, IpProtocol.Gre, new byte[500]); break;
            case "ping": scene.IpOut(Victim, IpProtocol.Icmp, Bytes.Icmp(new byte[500])); break;
            case "spoofed SYN": scene.TcpOut(Victim, 80, TcpFlags.Syn, port, from: $"{11 + i % 100}.{i % 250}.7.9"); break;
            case "questions": scene.UdpOut("192.168.77.1", 53, [.. new byte[12], 8, .. System.Text.Encoding.ASCII.GetBytes($"{i * 7919 % 100_000_000:D8}"), 4, .. "test"u8, 0, 0, 1, 0, 1], port); break;
            case "page requests": scene.Connection(Victim, 80, port, "GET / HTTP/1.1\r\n\r\n"u8.ToArray(), "HTTP/1.1 503 \r\n\r\n"u8.ToArray()); break;
            default: throw new ArgumentException(what);
        }
    }
}
