using System.Collections.Immutable;
using Gatehouse.Home;

namespace Gatehouse.Watch;

/// <summary>The rules, in the order of <see cref="Rule.All"/>.</summary>
public enum RuleId : byte
{
    ScanLogin,
    ScanHosts,
    ScanPorts,
    ScanLan,
    LoginOutbound,
    LoginInbound,
    CommandIrc,
    CommandMirai,
    CommandText,
    CommandDht,
    CommandDead,
    FloodSyn,
    FloodAck,
    FloodUdp,
    FloodStream,
    FloodGre,
    FloodIcmp,
    FloodDns,
    FloodConnections,
    FloodSpoofed,
    Reflector,
    Takeover,
}

/// <summary>One row of the table of rules: what it is called, and the numbers that decide.</summary>
/// <param name="Name">Stable; its page is <c>docs/rules/NAME.md</c>.</param>
/// <param name="Unit">What is counted, for the evidence.</param>
/// <param name="Drift">What an ordinary Thing may do per second, in the unit's weight: the CUSUM's reference rate.</param>
/// <param name="Limit">The level at which it is suspected.</param>
/// <param name="CertainCount">Counted events from which it may be certain …</param>
/// <param name="CertainAfter">… once it has lasted this long, …</param>
/// <param name="CertainSlow">… or once it has lasted this long whatever the count, above the limit all the time. Zero: never by this rule alone.</param>
/// <param name="Quiet">Without new evidence for this long, the finding ends.</param>
/// <param name="ComputerFactor">Limit and drift are this much higher for computers; 0: computers are not judged by this rule.</param>
/// <param name="Sentence">For the owner; the Thing's name comes before it.</param>
public sealed record Rule(
    RuleId Id, string Name, FindingKind Kind, string Unit, double Drift, double Limit,
    long CertainCount, TimeSpan CertainAfter, TimeSpan CertainSlow, TimeSpan Quiet, double ComputerFactor, string Sentence)
{
    private static readonly TimeSpan Never = TimeSpan.Zero;

    /// <summary>Every rule, by <see cref="RuleId"/>. A new one is a row here, a line in <see cref="RuleId"/>, its judge, its page, its tests.</summary>
    public static ImmutableArray<Rule> All { get; } =
    [
        new(RuleId.ScanLogin, "scan.login", FindingKind.Scan, "first contacts to login ports of strangers", 0.01, 9.5, 100, S(5), S(120), S(120), 10, "It knocks at the login ports of many machines it has no business with: it is looking for victims."),
        new(RuleId.ScanHosts, "scan.hosts", FindingKind.Scan, "first contacts to strangers that nobody's name led to", 0.02, 12, 300, S(10), Never, S(120), 0, "It tries to reach many machines it has no business with: it is looking for victims."),
        new(RuleId.ScanPorts, "scan.ports", FindingKind.Scan, "ports tried on one machine", 0.2, 25, 500, S(10), Never, S(120), 4, "It tries one port after the other of another machine: it is looking for a way in."),
        new(RuleId.ScanLan, "scan.lan", FindingKind.Scan, "devices of this home it looked for", 0.2, 24, 500, S(10), Never, S(120), 0, "It looks for the other devices of this home, one after the other."),
        new(RuleId.LoginOutbound, "bruteforce.outbound", FindingKind.BruteForce, "sessions at login ports", 0.02, 9, 30, S(10), Never, S(180), 4, "It tries to log in to other machines again and again: it is guessing passwords."),
        new(RuleId.LoginInbound, "bruteforce.inbound", FindingKind.BruteForce, "sessions at its login port from the Internet", 0.02, 12, long.MaxValue, Never, Never, S(180), 4, "Somebody on the Internet tries to log in to it again and again: they are guessing its password."),
        new(RuleId.CommandIrc, "c2.irc", FindingKind.CommandAndControl, "lines of chat with a master", 0, 1, 4, S(0), Never, S(600), 0, "It talks to a chat server as botnets do, waiting for orders."),
        new(RuleId.CommandMirai, "c2.mirai", FindingKind.CommandAndControl, "greetings to a master", 0, 1, 3, S(60), Never, S(600), 0, "It greeted a server the way Mirai greets its master."),
        new(RuleId.CommandText, "c2.text", FindingKind.CommandAndControl, "orders and answers in plain text", 0.002, 3, 12, S(60), Never, S(600), 0, "It takes orders in plain text from a server, as Gafgyt bots do."),
        new(RuleId.CommandDht, "c2.dht", FindingKind.CommandAndControl, "messages of a peer-to-peer network", 0.02, 3, long.MaxValue, Never, Never, S(600), 0, "It joined a peer-to-peer network, where bots hide their orders."),
        new(RuleId.CommandDead, "c2.dead", FindingKind.CommandAndControl, "unanswered calls at a port no cloud uses", 0.002, 3.9, long.MaxValue, Never, Never, S(1800), 0, "It calls an address that never answers, that no name led to, at a port no cloud uses: perhaps a master that is gone."),
        new(RuleId.FloodSyn, "ddos.syn", FindingKind.Ddos, "connection requests it never completed", 15, 60, 1500, S(1), S(10), S(30), 8, "It floods another machine with connection requests."),
        new(RuleId.FloodAck, "ddos.ack", FindingKind.Ddos, "TCP segments outside any connection", 30, 120, 1500, S(1), S(10), S(30), 8, "It floods another machine with TCP segments that belong to no connection."),
        new(RuleId.FloodUdp, "ddos.udp", FindingKind.Ddos, "datagrams nobody answered", 50, 150, 1500, S(1), S(10), S(30), 10, "It floods another machine with UDP datagrams."),
        new(RuleId.FloodStream, "ddos.stream", FindingKind.Ddos, "datagrams", 1000, 2000, 10_000, S(10), Never, S(30), 0, "It sends more datagrams than any camera's picture needs."),
        new(RuleId.FloodGre, "ddos.gre", FindingKind.Ddos, "packets of protocols Things have no use for", 5, 40, 1500, S(1), S(10), S(30), 0, "It floods another machine with tunnel packets."),
        new(RuleId.FloodIcmp, "ddos.icmp", FindingKind.Ddos, "echo requests", 10, 50, 1500, S(1), S(10), S(30), 8, "It floods another machine with pings."),
        new(RuleId.FloodDns, "ddos.dns", FindingKind.Ddos, "questions for ever new names", 8, 40, 1000, S(5), S(20), S(60), 8, "It floods name servers with questions for names that do not exist."),
        new(RuleId.FloodConnections, "ddos.http", FindingKind.Ddos, "connections to one port of one machine", 3, 25, 400, S(5), S(20), S(30), 0, "It opens connection after connection to one machine: it is wearing it down."),
        new(RuleId.FloodSpoofed, "ddos.spoofed", FindingKind.Ddos, "source addresses that are not its own", 1, 8, 1000, S(1), S(10), S(30), 8, "It sends packets under addresses that are not its own, so that others are blamed."),
        new(RuleId.Reflector, "reflector.service", FindingKind.Reflector, "answers to strangers on the Internet", 2, 20, 2000, S(5), S(20), S(60), 8, "It answers questions from the Internet that it should not even hear: attackers use such answers to flood others."),
        new(RuleId.Takeover, "takeover.login", FindingKind.Takeover, "signs of a break-in", 0.005, 2, long.MaxValue, Never, Never, S(600), 0, "Somebody from the Internet logged in to it and gave it commands."),
    ];

    public static Rule Of(RuleId id) => All[(int)id];

    private static TimeSpan S(int seconds) => TimeSpan.FromSeconds(seconds);
}
