using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>
/// Packets in, verdicts out: judges every device by what it sends and what is sent to it, keyed by MAC address, never by source address.
/// No I/O and no clock: time is the packets'. One thread. Memory is bounded by <see cref="MaxThings"/> times a fixed size, whatever the traffic.
/// </summary>
public sealed partial class WatchEngine : IFrameConsumer
{
    /// <summary>Devices remembered at once. At the bound the one silent longest that holds no open finding is forgotten, and counted in <see cref="Forgotten"/>.</summary>
    public const int MaxThings = 512;

    /// <summary>Verdicts waiting to be taken. At the bound further ones are dropped and counted in <see cref="VerdictsDropped"/>; the next update of the finding brings them again.</summary>
    public const int MaxVerdicts = 1024;

    private const long NanosecondsPerSecond = 1_000_000_000;
    private const long TickNanoseconds = NanosecondsPerSecond / 2;
    private const long ReportEveryNanoseconds = 10 * NanosecondsPerSecond;

    private readonly WatchedThing?[] _slots = new WatchedThing?[MaxThings * 4];
    private readonly List<WatchedThing> _things = new(MaxThings);
    private readonly Dictionary<MacAddress, DeviceClass> _classes = [];
    private readonly DnsAnchors _anchors = new();
    private readonly Verdict[] _verdicts = new Verdict[MaxVerdicts];
    private readonly (InternetAddress Network, InternetAddress Mask)[] _lan;
    private int _verdictStart;
    private int _verdictCount;
    private long _now;
    private long _nextTick;

    /// <param name="lanPrefixes">The home's own prefixes. Empty, as for a capture: private addresses are the home's.</param>
    public WatchEngine(params ReadOnlySpan<System.Net.IPNetwork> lanPrefixes)
    {
        _lan = new (InternetAddress, InternetAddress)[lanPrefixes.Length];
        for (var i = 0; i < lanPrefixes.Length; i++) _lan[i] = MaskOf(lanPrefixes[i]);
    }

    public long Packets { get; private set; }
    public long Bytes { get; private set; }
    public long Malformed { get; private set; }
    public long Forgotten { get; private set; }
    public long VerdictsDropped { get; private set; }

    /// <summary>Devices seen and remembered.</summary>
    public int Things => _things.Count;

    public Traffic Traffic { get; } = new();

    /// <summary>Says what stands behind a MAC address; until then it is a Thing.</summary>
    public void SetClass(MacAddress mac, DeviceClass deviceClass)
    {
        _classes[mac] = deviceClass;
        if (Find(mac) is { } thing) thing.Class = deviceClass;
    }

    /// <inheritdoc/>
    public void Take(in Frame frame)
    {
        var packet = Packet.Read(frame);
        Packets++;
        Bytes += packet.WireLength;
        if (packet.IsMalformed) Malformed++;
        if (packet.Layer == PacketLayer.None) return;

        _now = packet.Time;
        if (_now >= _nextTick || _now < _nextTick - ReportEveryNanoseconds) Tick(_now);
        Judge(packet);
    }

    /// <summary>Lets time pass without a packet: findings that have gone quiet end. The caller's clock must be the packets'.</summary>
    public void Tick(long now)
    {
        _now = now;
        _nextTick = now + TickNanoseconds;
        foreach (var thing in _things)
        {
            if (thing.OpenCases > 0) Review(thing);
        }
    }

    /// <summary>The oldest verdict not taken yet.</summary>
    public bool TryTakeVerdict(out Verdict verdict)
    {
        verdict = default;
        if (_verdictCount == 0) return false;

        verdict = _verdicts[_verdictStart];
        _verdictStart = (_verdictStart + 1) % MaxVerdicts;
        _verdictCount--;
        return true;
    }

    /// <summary>Ends every open finding, as when a capture is over.</summary>
    public void EndAll(long now)
    {
        _now = now;
        foreach (var thing in _things) EndCases(thing, quietOnly: false);
    }

    private void Judge(in Packet packet)
    {
        // The gateway's own frames are not a device's; they still answer devices.
        var sender = packet.Direction == FrameDirection.Outgoing && packet.DestinationMac != default || packet.SourceMac.IsGroup ? null : FindOrAdd(packet.SourceMac);
        var receiver = packet.DestinationMac == default || packet.DestinationMac.IsGroup ? null : Find(packet.DestinationMac);
        if (sender is not null)
        {
            sender.LastSeen = _now;
            sender.Traffic.CountOut(_now, packet.WireLength);
        }

        receiver?.Traffic.CountIn(_now, packet.WireLength);
        if (packet.EtherType == EtherType.Arp && sender is not null) JudgeArp(sender, packet);
        if (packet.Layer < PacketLayer.Network) return;
        var isFromLan = IsLan(packet.Source);
        var isToLan = IsLan(packet.Destination) || (receiver?.Owns(packet.Destination) ?? false);

        if (packet.SourcePort == Ports.Dns && packet.Protocol == IpProtocol.Udp && isToLan) LearnNames(receiver, packet);

        // What a router brings in from outside is not its own doing: only the one it is brought to is judged by it.
        if (sender is not null && (isFromLan || !isToLan)) JudgeOutbound(sender, packet, isToLan);
        if (receiver is not null && isToLan) JudgeInbound(receiver, packet, isFromLan);
    }

    private void LearnNames(WatchedThing? asker, in Packet packet)
    {
        if (!_anchors.AddFrom(packet.Payload, _now) && asker is not null) asker.LastCutAnswer = _now;
    }

    private bool IsLan(InternetAddress address)
    {
        if (_lan.Length == 0) return !address.IsGlobal;
        foreach (var (network, mask) in _lan)
        {
            if ((address.High & mask.High) == network.High && (address.Low & mask.Low) == network.Low) return true;
        }

        return address.IsMulticast || address.IsBroadcast || address.IsLinkLocal || address.IsUnspecified;
    }

    private WatchedThing? Find(MacAddress mac)
    {
        for (var slot = SlotOf(mac); _slots[slot] is { } thing; slot = (slot + 1) % _slots.Length)
        {
            if (thing.Mac == mac) return thing;
        }

        return null;
    }

    private WatchedThing FindOrAdd(MacAddress mac) => Find(mac) ?? Add(mac);

    private WatchedThing Add(MacAddress mac)
    {
        if (_things.Count == MaxThings) ForgetOldest();
        var thing = new WatchedThing(mac) { Class = _classes.GetValueOrDefault(mac), LastSeen = _now };
        _things.Add(thing);
        Traffic.Add(mac, thing.Traffic);
        Place(thing);
        return thing;
    }

    private void Place(WatchedThing thing)
    {
        var slot = SlotOf(thing.Mac);
        while (_slots[slot] is not null) slot = (slot + 1) % _slots.Length;
        _slots[slot] = thing;
    }

    private void ForgetOldest()
    {
        var oldest = 0;
        for (var i = 1; i < _things.Count; i++)
        {
            if ((_things[i].OpenCases > 0, _things[i].LastSeen).CompareTo((_things[oldest].OpenCases > 0, _things[oldest].LastSeen)) < 0) oldest = i;
        }

        Forgotten++;
        EndCases(_things[oldest], quietOnly: false);
        Traffic.Remove(_things[oldest].Mac);
        _things[oldest] = _things[^1];
        _things.RemoveAt(_things.Count - 1);
        Array.Clear(_slots);
        foreach (var thing in _things) Place(thing);
    }

    private static int SlotOf(MacAddress mac) => (int)(unchecked(mac.Value * 0x9E37_79B9_7F4A_7C15) >> 53);

    private static (InternetAddress Network, InternetAddress Mask) MaskOf(System.Net.IPNetwork prefix)
    {
        var network = InternetAddress.From(prefix.BaseAddress);
        var length = prefix.PrefixLength + (network.IsIpv4 ? 96 : 0);
        var mask = length == 0 ? UInt128.Zero : UInt128.MaxValue << 128 - length;
        return (network, new((ulong)(mask >> 64), (ulong)(mask & ulong.MaxValue)));
    }
}
