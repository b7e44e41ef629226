using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>What is sent to a device.</summary>
public sealed partial class WatchEngine
{
    private void JudgeInbound(WatchedThing thing, in Packet packet, bool isFromLan)
    {
        if (packet.Layer != PacketLayer.Transport) return;
        if (packet.Protocol == IpProtocol.Tcp) JudgeTcpIn(thing, packet, isFromLan);
        else if (packet.Protocol == IpProtocol.Udp) JudgeUdpIn(thing, packet, isFromLan);
    }

    private void JudgeTcpIn(WatchedThing thing, in Packet packet, bool isFromLan)
    {
        ref var flow = ref thing.Flows.Find(FlowTable.KeyOf(packet.Source, packet.SourcePort, packet.DestinationPort, IpProtocol.Tcp), _now, out _);
        flow.SinceIn = 0;
        switch (packet.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst))
        {
            case TcpFlags.Syn:
                flow.Marks = FlowMarks.SynIn | FlowMarks.IsServed | (isFromLan ? FlowMarks.None : FlowMarks.IsWan);
                (flow.PayloadsIn, flow.PayloadsOut) = (0, 0);
                return;
            case TcpFlags.Syn | TcpFlags.Ack:
                flow.Marks |= FlowMarks.SynIn | FlowMarks.Answered;
                HearAnswer(thing, packet);
                return;
            case var flags when (flags & TcpFlags.Rst) != 0:
                flow.Marks |= FlowMarks.Refused;
                return;
        }

        flow.Marks |= FlowMarks.Answered;
        if (packet.PayloadLength == 0) return;

        if (flow.PayloadsIn < byte.MaxValue) flow.PayloadsIn++;
        if (!isFromLan && Ports.IsShell(packet.DestinationPort)) CountLoginIn(thing, ref flow, packet);
        ReadPayloadIn(thing, ref flow, packet, isFromLan);
    }

    private void HearAnswer(WatchedThing thing, in Packet packet)
    {
        ref var contact = ref thing.Flows.Find(FlowTable.KeyOf(packet.Source, packet.SourcePort, 0, IpProtocol.Tcp), _now, out _);
        if (contact.Has(FlowMarks.Answered)) return;

        contact.Marks |= FlowMarks.Answered;
        Forgive(thing, RuleId.ScanHosts);
        Forgive(thing, RuleId.ScanPorts);
    }

    private void CountLoginIn(WatchedThing thing, ref Flow flow, in Packet packet)
    {
        if (flow.PayloadsOut == 0 || flow.Has(FlowMarks.LoginCounted) || !flow.Has(FlowMarks.IsServed)) return;
        flow.Marks |= FlowMarks.LoginCounted;
        Count(thing, RuleId.LoginInbound, packet, 3);
    }

    private void JudgeUdpIn(WatchedThing thing, in Packet packet, bool isFromLan)
    {
        ref var peer = ref thing.Peers.Find(packet.Source, _now, out _);
        (peer.HasAnswered, peer.SinceIn) = (true, 0);

        if (!isFromLan && Ports.IsReflectable(packet.DestinationPort))
            _ = thing.Flows.Find(FlowTable.KeyOf(packet.Source, packet.SourcePort, packet.DestinationPort, IpProtocol.Udp), _now, out _);
        if (!isFromLan) ReadDatagramIn(thing, packet);
    }
}
