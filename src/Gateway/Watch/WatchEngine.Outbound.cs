using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>What a device sends.</summary>
public sealed partial class WatchEngine
{
    /// <summary>Packets without a word from the other side, beyond which a conversation is none: more than any TCP window or video burst.</summary>
    private const int SilentPackets = 1000;

    private const long CutAnswerGrace = 5 * NanosecondsPerSecond;
    /// <summary>What a Thing calls this soon after a stranger was at its shell, he told it to call.</summary>
    private const long GuestWindow = 120 * NanosecondsPerSecond;

    private const long SweepWindow = 120 * NanosecondsPerSecond;

    private void JudgeArp(WatchedThing thing, in Packet packet)
    {
        if (!ArpPacket.TryParse(packet.Payload, out var arp) || arp.IsProbeOrAnnouncement) return;
        if (arp.Operation == ArpOperation.Request) CountSweep(thing, arp.TargetAddress, packet);
    }

    private void JudgeOutbound(WatchedThing thing, in Packet packet, bool isToLan)
    {
        var isOwn = thing.LearnSource(packet.Source);
        if (packet.Destination.IsMulticast || packet.Destination.IsBroadcast || packet.DestinationMac.IsGroup) return;

        if (!isOwn && !isToLan) JudgeSpoofed(thing, packet);
        switch (packet.Protocol)
        {
            case IpProtocol.Tcp when packet.Layer == PacketLayer.Transport:
                JudgeTcpOut(thing, packet, isToLan);
                break;
            case IpProtocol.Udp:
                JudgeUdpOut(thing, packet, isToLan);
                break;
            case IpProtocol.Icmp or IpProtocol.IcmpV6:
                JudgeIcmpOut(thing, packet, isToLan);
                break;
            case IpProtocol.Tcp or IpProtocol.Igmp or IpProtocol.NoNextHeader:
                break;
            default:
                Count(thing, RuleId.FloodGre, packet);
                break;
        }
    }

    private void JudgeSpoofed(WatchedThing thing, in Packet packet)
    {
        if (packet.Source.Low == thing.LastForeignSource) return;
        thing.LastForeignSource = packet.Source.Low;
        Count(thing, RuleId.FloodSpoofed, packet);
    }

    private void JudgeTcpOut(WatchedThing thing, in Packet packet, bool isToLan)
    {
        var flags = packet.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst);
        if (flags == TcpFlags.Syn) JudgeSynOut(thing, packet, isToLan);
        else if (flags == (TcpFlags.Syn | TcpFlags.Ack)) thing.Flows.Find(FlowTable.KeyOf(packet.Destination, packet.DestinationPort, packet.SourcePort, IpProtocol.Tcp), _now, out _).Marks |= FlowMarks.SynOut;
        else if ((flags & TcpFlags.Rst) == 0) JudgeSegmentOut(thing, packet, isToLan);
    }

    private void JudgeSynOut(WatchedThing thing, in Packet packet, bool isToLan)
    {
        // First the contact (whatever the own port), then the connection: the second look-up may take the first one's place.
        ref var contact = ref thing.Flows.Find(FlowTable.KeyOf(packet.Destination, packet.DestinationPort, 0, IpProtocol.Tcp), _now, out var isNewContact);
        var isAnchored = isNewContact ? IsAnchored(thing, packet.Destination) : contact.Has(FlowMarks.IsAnchored);
        if (isAnchored) contact.Marks |= FlowMarks.IsAnchored;
        // Many a Thing's own dead cloud is called all day at a fixed address too; what sets a master apart is the port.
        var isCalledInVain = !isNewContact && !isAnchored && !isToLan && !contact.Has(FlowMarks.Answered) && !Ports.IsOrdinaryService(packet.DestinationPort);

        if (isNewContact) CountContact(thing, packet, isAnchored, isToLan);
        if (isCalledInVain) Count(thing, RuleId.CommandDead, packet);

        ref var network = ref thing.Flows.Find(FlowTable.KeyOf(NetworkOf(packet.Destination), 0, 0, IpProtocol.Tcp), _now, out var isNewNetwork);
        // A scan sends one to each: that is another rule's. A flood repeats itself, or spreads over one network.
        var weight = isNewContact && (isNewNetwork || isToLan || !network.Has(FlowMarks.SynOut)) ? 0.1 : isNewContact ? 0.3 : isToLan ? 0.5 : 1;
        network.Marks |= FlowMarks.SynOut;
        Count(thing, RuleId.FloodSyn, packet, weight);

        ref var flow = ref thing.Flows.Find(FlowTable.KeyOf(packet.Destination, packet.DestinationPort, packet.SourcePort, IpProtocol.Tcp), _now, out _);
        flow.Marks = FlowMarks.SynOut | (isToLan ? FlowMarks.None : FlowMarks.IsWan) | (isAnchored ? FlowMarks.IsAnchored : FlowMarks.None);
        (flow.SinceIn, flow.PayloadsIn, flow.PayloadsOut) = (0, 0, 0);
    }

    /// <summary>The first call to an address and port. Sequential: each is a little evidence, an answer takes most of it back (Jung et al., Threshold Random Walk, 2004).</summary>
    private void CountContact(WatchedThing thing, in Packet packet, bool isAnchored, bool isToLan)
    {
        // Mirai's scanner writes the address it calls into the sequence number, so that it need not remember whom it called.
        var hasMiraiMark = packet.Destination.IsIpv4 && packet.Sequence == packet.Destination.Ipv4;
        if (hasMiraiMark) Count(thing, RuleId.ScanLogin, packet, 4);
        else if (Ports.IsLogin(packet.DestinationPort)) Count(thing, RuleId.ScanLogin, packet, isAnchored ? 0.3 : isToLan ? 1.2 : 2);
        else if (!isAnchored && !isToLan) Count(thing, RuleId.ScanHosts, packet, WeightOfPort(thing, packet.DestinationPort));

        if (isToLan) CountSweep(thing, packet.Destination, packet);
        else if (!isAnchored && _now - thing.LastGuest < GuestWindow) Count(thing, RuleId.Takeover, packet, 2);
        if (thing.LastScannedHost == packet.Destination.Low) Count(thing, RuleId.ScanPorts, packet);
        thing.LastScannedHost = packet.Destination.Low;
    }

    // A scanner asks many machines for one service. Programs that share files call every peer at another port, or at their own usual one.
    private static double WeightOfPort(WatchedThing thing, ushort port)
    {
        ref var slot = ref thing.CalledPorts[port % thing.CalledPorts.Length];
        var isRepeated = slot == port;
        slot = port;
        return Ports.IsWeb(port) ? 0.6 : isRepeated ? 0.15 : 0.005;
    }

    private void JudgeSegmentOut(WatchedThing thing, in Packet packet, bool isToLan)
    {
        ref var flow = ref thing.Flows.Find(FlowTable.KeyOf(packet.Destination, packet.DestinationPort, packet.SourcePort, IpProtocol.Tcp), _now, out var isNew);
        if (isNew && !isToLan) flow.Marks |= FlowMarks.IsWan;
        if (flow.SinceIn < ushort.MaxValue) flow.SinceIn++;
        if (!flow.Has(FlowMarks.Answered) || flow.SinceIn > SilentPackets) Count(thing, RuleId.FloodAck, packet, isToLan ? 0.5 : 1);

        if ((flow.Marks & (FlowMarks.SynIn | FlowMarks.SynOut | FlowMarks.IsServed | FlowMarks.Established)) == (FlowMarks.SynIn | FlowMarks.SynOut)) Establish(thing, ref flow, packet, isToLan);
        if (packet.PayloadLength == 0) return;

        if (flow.PayloadsOut < byte.MaxValue) flow.PayloadsOut++;
        if (!flow.Has(FlowMarks.IsServed)) CountLogin(thing, ref flow, packet, packet.DestinationPort);
        ReadPayloadOut(thing, ref flow, packet, isToLan);
    }

    private void Establish(WatchedThing thing, ref Flow flow, in Packet packet, bool isToLan)
    {
        flow.Marks |= FlowMarks.Established | FlowMarks.Answered;
        Forgive(thing, RuleId.FloodSyn);

        // Connections to one machine wear it down; connections to many are somebody's day on the net.
        ref var peer = ref thing.Peers.Find(packet.Destination, _now, out _);
        peer.Connections.Add(_now, 1, 1, 8);
        if (peer.Connections.Level > 3) Count(thing, RuleId.FloodConnections, packet, isToLan ? 0.2 : 1);
    }

    private void CountLogin(WatchedThing thing, ref Flow flow, in Packet packet, ushort serverPort)
    {
        if (!Ports.IsShell(serverPort) || flow.PayloadsIn == 0 || flow.PayloadsOut == 0 || flow.Has(FlowMarks.LoginCounted)) return;
        flow.Marks |= FlowMarks.LoginCounted;
        var weight = (Ports.IsSsh(serverPort) ? 3 : 4) * (flow.Has(FlowMarks.IsWan) ? 1 : 0.7) * (flow.Has(FlowMarks.IsAnchored) ? 0.5 : 1);
        Count(thing, RuleId.LoginOutbound, packet, weight);
    }

    private void JudgeUdpOut(WatchedThing thing, in Packet packet, bool isToLan)
    {
        ref var peer = ref thing.Peers.Find(packet.Destination, _now, out var isNewPeer);
        if (peer.SinceIn < ushort.MaxValue) peer.SinceIn++;
        if (!peer.HasAnswered || peer.SinceIn > SilentPackets) Count(thing, RuleId.FloodUdp, packet, WeightOfDatagram(thing, packet, isNewPeer, isToLan));
        if (!isToLan) Count(thing, RuleId.FloodStream, packet);
        if (packet.Layer != PacketLayer.Transport) return;

        if (packet.DestinationPort == Ports.Dns) JudgeQuestion(thing, packet);
        else if (!isToLan) ReadDatagramOut(thing, packet);
        if (!isToLan && Ports.IsReflectable(packet.SourcePort)) JudgeAnswerOut(thing, packet);
    }

    // One datagram to each of many machines is how peers are looked for; a flood repeats itself, or spreads over one network.
    private double WeightOfDatagram(WatchedThing thing, in Packet packet, bool isNewPeer, bool isToLan)
    {
        if (!isNewPeer) return isToLan ? 0.5 : 1;
        _ = thing.Flows.Find(FlowTable.KeyOf(NetworkOf(packet.Destination), 0, 0, IpProtocol.Udp), _now, out var isNewNetwork);
        return isNewNetwork ? 0.05 : 0.5;
    }

    private void JudgeAnswerOut(WatchedThing thing, in Packet packet)
    {
        ref var flow = ref thing.Flows.Find(FlowTable.KeyOf(packet.Destination, packet.DestinationPort, packet.SourcePort, IpProtocol.Udp), _now, out var isNew);
        if (isNew) flow.Marks |= FlowMarks.SynOut;
        else if (!flow.Has(FlowMarks.SynOut)) Count(thing, RuleId.Reflector, packet);
    }

    private void JudgeQuestion(WatchedThing thing, in Packet packet)
    {
        var name = packet.Payload.Length > 12 ? packet.Payload[12..] : default;
        var hash = 2166136261u; // FNV-1a over the question; the id before it differs every time
        foreach (var octet in name) hash = unchecked((hash ^ octet) * 16777619);
        ref var slot = ref thing.Names[hash & 63];
        if (slot == hash || name.IsEmpty) return;

        slot = hash;
        Count(thing, RuleId.FloodDns, packet);
    }

    private void JudgeIcmpOut(WatchedThing thing, in Packet packet, bool isToLan)
    {
        if (packet.Layer != PacketLayer.Transport || packet.IcmpType is not (IcmpHeader.Echo or IcmpHeader.EchoV6)) return;
        Count(thing, RuleId.FloodIcmp, packet);
        if (isToLan) CountSweep(thing, packet.Destination, packet, 2);
    }

    private void CountSweep(WatchedThing thing, InternetAddress address, in Packet packet, double weight = 1)
    {
        if (_now - thing.SweepSince is < 0 or > SweepWindow) (thing.SweepSince, thing.SweepLow, thing.SweepHigh) = (_now, 0, 0);

        var octet = (int)(address.Low & 0xFF);
        var bit = UInt128.One << (octet & 127);
        var seen = octet < 128 ? thing.SweepLow : thing.SweepHigh;
        if ((seen & bit) != 0) return;

        if (octet < 128) thing.SweepLow |= bit;
        else thing.SweepHigh |= bit;
        Count(thing, RuleId.ScanLan, packet, weight);
    }

    // An answer that the capture cut may have named it: then its address is no evidence.
    private bool IsAnchored(WatchedThing thing, InternetAddress address) => _anchors.Contains(address) || _now - thing.LastCutAnswer < CutAnswerGrace;

    private static InternetAddress NetworkOf(InternetAddress address) =>
        address.IsIpv4 ? new(address.High, address.Low & ~0xFFul) : new(address.High, 0);
}
