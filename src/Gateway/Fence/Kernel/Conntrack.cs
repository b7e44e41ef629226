using System.Buffers.Binary;
using System.Net;
using Gatehouse.Home;

namespace Gatehouse.Fence.Kernel;

/// <summary>A connection the kernel tracks (IPv4). <see cref="Source"/> opened it towards <see cref="Destination"/>; translation shows in the reply's ends.</summary>
/// <param name="ReplySource">Who answers: where the destination was translated to, else the destination.</param>
/// <param name="Mark">The id of the permission or port forward that let it pass, or 0.</param>
public readonly record struct TrackedConnection(
    TransportProtocol Protocol, IPAddress Source, ushort SourcePort, IPAddress Destination, ushort DestinationPort,
    IPAddress ReplySource, ushort ReplySourcePort, uint Mark, uint Id);

/// <summary>Lists and ends tracked connections (ctnetlink).</summary>
/// <remarks>linux/netfilter/nfnetlink_conntrack.h. An entry is deleted by its original tuple and its id, so a newer one that took its place stays.</remarks>
internal static class Conntrack
{
    private const ushort Get = 1 << 8 | 1;
    private const ushort Delete = 1 << 8 | 2;
    private const int TupleOriginal = 1;
    private const int TupleReply = 2;
    private const int MarkAttribute = 8;
    private const int IdAttribute = 12;
    private const int NfGenSize = 4;

    /// <summary>Every IPv4 connection of a protocol with ports, or ICMP (ports 0).</summary>
    /// <exception cref="IOException">The kernel has no connection tracking, or refused.</exception>
    public static List<TrackedConnection> List()
    {
        using var netlink = new Netlink(Netlink.Netfilter);
        var found = new List<TrackedConnection>();
        var error = netlink.Request(Get, Netlink.DumpFlag, [2, 0, 0, 0], (_, body) =>
        {
            if (body.Length > NfGenSize && TryRead(body[NfGenSize..], out var connection)) found.Add(connection);
        });
        return error == 0 ? found : throw new IOException($"conntrack: the kernel refused the listing (error {error}).");
    }

    /// <summary>Ends a connection. False where it had ended by itself.</summary>
    public static bool TryDelete(Netlink netlink, TrackedConnection connection)
    {
        var body = new NetlinkBody().Raw(2, 0, 0, 0);
        body.Nest(TupleOriginal, tuple => tuple
            .Nest(1, ip => ip.Add(1, connection.Source.GetAddressBytes()).Add(2, connection.Destination.GetAddressBytes()))
            .Nest(2, proto => WritePorts(proto, connection)));
        Span<byte> id = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(id, connection.Id);
        body.Add(IdAttribute, id);
        return netlink.Request(Delete, 0, body.Bytes, null) == 0;
    }

    private static void WritePorts(NetlinkBody proto, TrackedConnection connection)
    {
        proto.Add(1, [(byte)connection.Protocol]);
        Span<byte> port = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(port, connection.SourcePort);
        if (connection.Protocol == TransportProtocol.Icmp)
        {
            // The source port holds the echo id; type and code are an echo request's.
            proto.Add(4, port).Add(5, [8]).Add(6, [0]);
            return;
        }

        proto.Add(2, port);
        BinaryPrimitives.WriteUInt16BigEndian(port, connection.DestinationPort);
        proto.Add(3, port);
    }

    private static bool TryRead(ReadOnlySpan<byte> attributes, out TrackedConnection connection)
    {
        connection = default;
        if (!TryReadTuple(NetlinkAttributes.Find(attributes, TupleOriginal), out var original)
            || !TryReadTuple(NetlinkAttributes.Find(attributes, TupleReply), out var reply)) return false;

        var mark = NetlinkAttributes.Find(attributes, MarkAttribute);
        var id = NetlinkAttributes.Find(attributes, IdAttribute);
        connection = new(original.Protocol, original.Source, original.SourcePort, original.Destination, original.DestinationPort,
            reply.Source, reply.SourcePort,
            mark.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(mark) : 0, id.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(id) : 0);
        return true;
    }

    private static bool TryReadTuple(
        ReadOnlySpan<byte> tuple, out (TransportProtocol Protocol, IPAddress Source, ushort SourcePort, IPAddress Destination, ushort DestinationPort) read)
    {
        read = default;
        var ip = NetlinkAttributes.Find(tuple, 1);
        var proto = NetlinkAttributes.Find(tuple, 2);
        var source = NetlinkAttributes.Find(ip, 1);
        var destination = NetlinkAttributes.Find(ip, 2);
        var number = NetlinkAttributes.Find(proto, 1);
        if (source.Length != 4 || destination.Length != 4 || number.Length != 1) return false;

        var protocol = (TransportProtocol)number[0];
        var sourcePort = NetlinkAttributes.Find(proto, protocol == TransportProtocol.Icmp ? 4 : 2);
        var destinationPort = NetlinkAttributes.Find(proto, 3);
        read = (protocol, new IPAddress(source), Port(sourcePort), new IPAddress(destination), Port(destinationPort));
        return true;
    }

    private static ushort Port(ReadOnlySpan<byte> value) => value.Length == 2 ? BinaryPrimitives.ReadUInt16BigEndian(value) : (ushort)0;
}
