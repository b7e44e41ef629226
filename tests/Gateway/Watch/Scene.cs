using Gatehouse.Home;
using Gatehouse.Tests.Gateway.Wire;
using Gatehouse.Watch;
using Gatehouse.Wire;

namespace Gatehouse.Tests.Gateway.Watch;

/// <summary>A home whose packets a test writes: one Thing, its gateway, the Internet behind it, and a clock that only the test moves.</summary>
internal sealed class Scene
{
    public const string Thing = "02:00:00:00:00:02";
    public const string Router = "02:00:00:00:00:01";
    public const string Own = "192.168.77.20";

    private const long Start = 1_750_000_000L * 1_000_000_000;

    public WatchEngine Engine { get; } = new();
    public List<Verdict> Verdicts { get; } = [];

    /// <summary>Seconds since the scene began.</summary>
    public double Now { get; set; }

    public static MacAddress ThingMac => MacAddress.Parse(Thing);

    public IEnumerable<(string Rule, Certainty Certainty)> Opened =>
        Verdicts.Where(verdict => verdict.What == VerdictKind.Opened).Select(verdict => (Rule.Of(verdict.Rule).Name, verdict.Certainty));

    /// <summary>The first verdict of a rule at all, in seconds of the scene; or null.</summary>
    public double? OpenedAt(string rule) => At(verdict => verdict.What == VerdictKind.Opened && Rule.Of(verdict.Rule).Name == rule);

    public double? CertainAt(string rule) => At(verdict => verdict.Certainty == Certainty.Certain && Rule.Of(verdict.Rule).Name == rule);

    public double? EndedAt(string rule) => At(verdict => verdict.What == VerdictKind.Ended && Rule.Of(verdict.Rule).Name == rule);

    public void TcpOut(string to, int port, TcpFlags flags, int ownPort = 40000, long sequence = 1, byte[]? payload = null, string from = Own, string mac = Thing) =>
        Give(Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp(payload ?? [], ownPort, port, flags, sequence), IpProtocol.Tcp, from, to), source: mac, destination: Router));

    public void TcpIn(string from, int port, TcpFlags flags, int ownPort = 40000, byte[]? payload = null) =>
        Give(Bytes.Ethernet(Bytes.Ipv4(Bytes.Tcp(payload ?? [], port, ownPort, flags), IpProtocol.Tcp, from, Own), source: Router, destination: Thing));

    public void UdpOut(string to, int port, byte[] payload, int ownPort = 40000, string mac = Thing) =>
        Give(Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp(payload, ownPort, port), IpProtocol.Udp, Own, to), source: mac, destination: Router));

    public void UdpIn(string from, int port, byte[] payload, int ownPort = 40000) =>
        Give(Bytes.Ethernet(Bytes.Ipv4(Bytes.Udp(payload, port, ownPort), IpProtocol.Udp, from, Own), source: Router, destination: Thing));

    public void IpOut(string to, IpProtocol protocol, byte[] payload) =>
        Give(Bytes.Ethernet(Bytes.Ipv4(payload, protocol, Own, to), source: Thing, destination: Router));

    /// <summary>A whole connection: greeting, payloads in turn (odd ones from the other side), farewell.</summary>
    public void Connection(string to, int port, int ownPort, params byte[][] payloads)
    {
        TcpOut(to, port, TcpFlags.Syn, ownPort);
        TcpIn(to, port, TcpFlags.Syn | TcpFlags.Ack, ownPort);
        TcpOut(to, port, TcpFlags.Ack, ownPort);
        for (var i = 0; i < payloads.Length; i++)
        {
            if (i % 2 == 0) TcpOut(to, port, TcpFlags.Psh | TcpFlags.Ack, ownPort, payload: payloads[i]);
            else TcpIn(to, port, TcpFlags.Psh | TcpFlags.Ack, ownPort, payloads[i]);
        }

        TcpOut(to, port, TcpFlags.Fin | TcpFlags.Ack, ownPort);
        TcpIn(to, port, TcpFlags.Fin | TcpFlags.Ack, ownPort);
    }

    /// <summary>Lets DNS hand out an address on this LAN.</summary>
    public void Named(string address) => UdpIn("192.168.77.1", 53,
    [
        .. Bytes.U16(1), .. Bytes.U16(0x8180), .. Bytes.U16(1), .. Bytes.U16(1), .. Bytes.U32(0),
        5, .. "cloud"u8, 4, .. "test"u8, 0, .. Bytes.U16(1), .. Bytes.U16(1),
        0xC0, 12, .. Bytes.U16(1), .. Bytes.U16(1), .. Bytes.U32(60), .. Bytes.U16(4), .. Bytes.Address(address),
    ]);

    /// <summary>Runs <paramref name="each"/> at a steady rate from now on.</summary>
    public void Repeat(double perSecond, double seconds, Action<int> each)
    {
        var begin = Now;
        for (var i = 0; i < perSecond * seconds; i++)
        {
            Now = begin + i / perSecond;
            each(i);
        }
    }

    /// <summary>Lets time pass without a packet.</summary>
    public void Wait(double seconds)
    {
        for (var end = Now + seconds; Now < end;)
        {
            Now = Math.Min(end, Now + 1);
            Engine.Tick(Time);
            Drain();
        }
    }

    public void Give(byte[] frame)
    {
        Engine.Take(Bytes.Frame(frame, Time));
        Drain();
    }

    private long Time => Start + (long)(Now * 1e9);

    private void Drain()
    {
        while (Engine.TryTakeVerdict(out var verdict)) Verdicts.Add(verdict);
    }

    private double? At(Func<Verdict, bool> isIt)
    {
        foreach (var verdict in Verdicts)
        {
            if (isIt(verdict)) return (verdict.Time - Start) / 1e9;
        }

        return null;
    }
}
