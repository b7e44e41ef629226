using Gatehouse.Tests.Gateway.Wire;
using Gatehouse.Watch;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Watch;

/// <summary>Scans and guessing, carried out packet by packet.</summary>
public sealed class ScanTests
{
    private static string Stranger(int i) => $"{20 + i * 13 % 150}.{i * 7 % 250}.{i * 31 % 250}.{1 + i % 250}";

    public static TheoryData<string, double, double, string> Scans => new()
    {
        // what, contacts a second, found within seconds, rule
        { "Mirai's raw SYN to tcp/23", 160, 0.05, "scan.login" },
        { "connect() to tcp/23", 12, 1, "scan.login" },
        { "connect() to tcp/23", 1, 10, "scan.login" },
        { "connect() to tcp/23", 0.2, 40, "scan.login" },
        { "web ports", 40, 2, "scan.hosts" },
        { "all ports of one host", 50, 2, "scan.ports" },
        { "ARP over the LAN", 20, 3, "scan.lan" },
        { "ping over the LAN", 20, 3, "scan.lan" },
    };

    [Theory, MemberData(nameof(Scans))]
    public void A_scan_is_found_from_its_first_contacts(string what, double perSecond, double within, string rule)
    {
        var scene = new Scene();

        scene.Repeat(perSecond, Math.Max(30, 15 / perSecond), i => One(scene, what, i));

        Assert.InRange(scene.OpenedAt(rule) ?? double.MaxValue, 0, within);
    }

    [Fact]
    public void Calling_named_servers_that_are_down_is_no_scan()
    {
        var scene = new Scene();
        for (var i = 0; i < 40; i++) scene.Named(Stranger(i));

        scene.Repeat(4, 600, i => scene.TcpOut(Stranger(i % 40), 443, TcpFlags.Syn, 1024 + i));

        Assert.Empty(scene.Opened);
    }

    [Fact]
    public void An_answer_that_the_capture_cut_is_no_evidence_against_the_Thing()
    {
        var scene = new Scene();

        scene.Repeat(1, 60, i =>
        {
            // DNS answers of which only the question was captured, and a call to the address that they may have named.
            scene.UdpIn("192.168.77.1", 53, [.. Bytes.U16(1), .. Bytes.U16(0x8180), .. Bytes.U16(1), .. Bytes.U16(1), .. Bytes.U32(0), 5, .. "cloud"u8]);
            scene.TcpOut(Stranger(i), 443, TcpFlags.Syn, 1024 + i);
        });

        Assert.Empty(scene.Opened);
    }

    [Fact]
    public void Guessing_passwords_on_many_machines_is_found_after_a_few_sessions()
    {
        var scene = new Scene();

        scene.Repeat(0.5, 60, i => scene.Connection(Stranger(i), 22, 1024 + i, "SSH-2.0-libssh2\r\n"u8.ToArray(), "SSH-2.0-OpenSSH\r\n"u8.ToArray(), [1, 2, 3]));

        Assert.InRange(scene.OpenedAt("bruteforce.outbound") ?? double.MaxValue, 0, 8);
    }

    [Fact]
    public void Two_rules_of_different_kinds_make_it_certain()
    {
        var scene = new Scene();

        scene.Repeat(12, 3, i => scene.TcpOut(Stranger(i), 23, TcpFlags.Syn, 1024 + i));
        Assert.Null(scene.CertainAt("scan.login"));

        scene.TcpOut("203.0.113.9", 6667, TcpFlags.Syn);
        scene.TcpIn("203.0.113.9", 6667, TcpFlags.Syn | TcpFlags.Ack);
        scene.TcpOut("203.0.113.9", 6667, TcpFlags.Psh | TcpFlags.Ack, payload: "NICK bot\r\nUSER x y z :w\r\n"u8.ToArray());

        Assert.NotNull(scene.CertainAt("scan.login"));
        Assert.NotNull(scene.CertainAt("c2.irc"));
    }

    [Fact]
    public void A_finding_is_reported_once_and_ends_when_it_has_been_quiet()
    {
        var scene = new Scene();

        scene.Repeat(160, 10, i => One(scene, "Mirai's raw SYN to tcp/23", i));
        scene.Wait(300);

        Assert.Single(scene.Opened, opened => opened.Rule == "scan.login");
        Assert.InRange((scene.EndedAt("scan.login") ?? 0) - 10, 119, 123);
        scene.Repeat(160, 1, i => One(scene, "Mirai's raw SYN to tcp/23", i));
        Assert.Equal(2, scene.Opened.Count(opened => opened.Rule == "scan.login"));
    }

    [Fact]
    public void A_verdict_says_what_was_counted_the_limit_and_five_packets()
    {
        var scene = new Scene();

        scene.Repeat(12, 5, i => scene.TcpOut(Stranger(i), 23, TcpFlags.Syn, 1024 + i));

        var evidence = VerdictText.EvidenceOf(scene.Verdicts[0]);
        Assert.Equal("5 first contacts to login ports of strangers in 0.333 s", evidence.Single(item => item.Label == "counted").Value);
        Assert.Contains("of 9.5", evidence.Single(item => item.Label == "limit").Value, StringComparison.Ordinal);
        Assert.Equal(5, evidence.Count(item => item.Label == "packet"));
        Assert.Equal("15:06:40.000000 tcp 192.168.77.20:1024 > 20.0.0.1:23 [SYN] 54 bytes", evidence.First(item => item.Label == "packet").Value);
    }

    private static void One(Scene scene, string what, int i)
    {
        switch (what)
        {
            case "Mirai's raw SYN to tcp/23":
                scene.TcpOut(Stranger(i), 23, TcpFlags.Syn, 40000, sequence: InternetAddress.From(System.Net.IPAddress.Parse(Stranger(i))).Ipv4);
                break;
            case "connect() to tcp/23":
                scene.TcpOut(Stranger(i), 23, TcpFlags.Syn, 1024 + i);
                break;
            case "web ports":
                scene.TcpOut(Stranger(i), i % 2 == 0 ? 80 : 8080, TcpFlags.Syn, 1024 + i);
                break;
            case "all ports of one host":
                scene.TcpOut("203.0.113.9", 1 + i, TcpFlags.Syn, 40000);
                break;
            case "ARP over the LAN":
                scene.Give(Bytes.Ethernet(Bytes.Arp(sender: Scene.Own, target: $"192.168.77.{1 + i % 250}"), type: 0x0806, destination: "ff:ff:ff:ff:ff:ff"));
                break;
            case "ping over the LAN":
                scene.IpOut($"192.168.77.{1 + i % 250}", IpProtocol.Icmp, Bytes.Icmp([]));
                break;
            default:
                throw new ArgumentException(what);
        }
    }
}
