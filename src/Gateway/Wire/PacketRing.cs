using System.Runtime.InteropServices;

namespace Gatehouse.Wire;

/// <summary>
/// Frames of one network interface as the kernel hands them over: an AF_PACKET ring of version TPACKET_V3, shared memory, no copy and no
/// system call per packet. Needs CAP_NET_RAW. One thread reads.
/// </summary>
/// <remarks>Linux, Documentation/networking/packet_mmap.rst. Frames the machine sends itself are there too, marked <see cref="FrameDirection.Outgoing"/>.</remarks>
public sealed unsafe partial class PacketRing : IDisposable
{
    /// <summary>The memory the kernel fills before it hands it over, in bytes: the ring is made of such blocks.</summary>
    public const int BlockBytes = 256 * 1024;

    /// <summary>A block that is not full is handed over after this many milliseconds: what a verdict waits at most.</summary>
    private const int BlockTimeoutMilliseconds = 8;

    private readonly int _socket;
    private readonly byte* _ring;
    private readonly int _blocks;
    private int _next;

    private PacketRing(int socket, byte* ring, int blocks)
    {
        _socket = socket;
        _ring = ring;
        _blocks = blocks;
    }

    /// <summary>Frames given to a consumer so far.</summary>
    public long Received { get; private set; }

    /// <summary>Frames the kernel had no room for so far.</summary>
    public long Dropped { get; private set; }

    /// <summary>Opens a ring on an interface and puts the interface in promiscuous mode while it is open.</summary>
    /// <param name="bytes">The ring's memory, rounded up to whole blocks. It is resident from the start.</param>
    /// <exception cref="PacketRingException">There is no such interface, or the right to read it is missing.</exception>
    public static PacketRing Open(string interfaceName, int bytes)
    {
        var index = if_nametoindex(interfaceName);
        if (index == 0) throw PacketRingException.Of($"there is no interface {interfaceName}");

        var socket = Native.socket(Native.AfPacket, Native.SockRaw | Native.SockCloseOnExec, 0);
        if (socket < 0) throw PacketRingException.Of("packets cannot be read (CAP_NET_RAW is missing)");
        try
        {
            var blocks = Math.Max(2, (bytes + BlockBytes - 1) / BlockBytes);
            return new PacketRing(socket, Map(socket, blocks, index), blocks);
        }
        catch
        {
            _ = Native.close(socket);
            throw;
        }
    }

    /// <summary>Gives all frames that are there to <paramref name="consumer"/>; waits up to <paramref name="timeout"/> where there are none.</summary>
    /// <returns>How many frames it gave.</returns>
    /// <exception cref="PacketRingException">The interface went away.</exception>
    public int Poll<T>(ref T consumer, TimeSpan timeout)
        where T : IFrameConsumer, allows ref struct
    {
        var count = Drain(ref consumer);
        if (count > 0 || !WaitForBlock(timeout)) return count;
        return Drain(ref consumer);
    }

    /// <summary>Reads the kernel's count of drops into <see cref="Dropped"/>. A system call: once a second is plenty.</summary>
    public void UpdateDropped()
    {
        Native.TpacketStats statistics;
        var size = sizeof(Native.TpacketStats);
        if (Native.getsockopt(_socket, Native.SolPacket, Native.PacketStatistics, &statistics, &size) == 0) Dropped += statistics.Drops;
    }

    public void Dispose()
    {
        _ = Native.munmap(_ring, (nuint)_blocks * BlockBytes);
        _ = Native.close(_socket);
    }

    private static byte* Map(int socket, int blocks, uint interfaceIndex)
    {
        var version = Native.TpacketV3;
        Check(Native.setsockopt(socket, Native.SolPacket, Native.PacketVersion, &version, sizeof(int)), "the kernel has no TPACKET_V3");

        var request = new Native.TpacketReq3
        {
            BlockSize = BlockBytes, BlockCount = (uint)blocks, FrameSize = Native.FrameSize, FrameCount = (uint)(blocks * (BlockBytes / Native.FrameSize)),
            RetireBlockTimeout = BlockTimeoutMilliseconds,
        };
        Check(Native.setsockopt(socket, Native.SolPacket, Native.PacketRxRing, &request, sizeof(Native.TpacketReq3)), "no memory for the packet ring");

        var ring = Native.mmap(null, (nuint)blocks * BlockBytes, Native.ProtRead | Native.ProtWrite, Native.MapShared, socket, 0);
        if ((nint)ring == -1) throw PacketRingException.Of("the packet ring cannot be mapped");

        // Bound last: a socket that listens before its ring is there queues frames elsewhere.
        var membership = new Native.PacketMembership { Interface = (int)interfaceIndex, Type = Native.MembershipPromiscuous };
        Check(Native.setsockopt(socket, Native.SolPacket, Native.PacketAddMembership, &membership, sizeof(Native.PacketMembership)), "the interface refuses promiscuous mode");
        var address = new Native.SockaddrLl { Family = Native.AfPacket, Protocol = Native.AllProtocols, Interface = (int)interfaceIndex };
        Check(Native.bind(socket, &address, sizeof(Native.SockaddrLl)), "the interface cannot be read");
        return ring;
    }

    private static void Check(int result, string what)
    {
        if (result != 0) throw PacketRingException.Of(what);
    }

    private int Drain<T>(ref T consumer)
        where T : IFrameConsumer, allows ref struct
    {
        var count = 0;
        for (var blocks = 0; blocks < _blocks; blocks++)
        {
            var block = (Native.BlockHeader*)(_ring + (nint)_next * BlockBytes);
            if ((Volatile.Read(ref block->Status) & Native.StatusUser) == 0) break;

            count += GiveBlock(block, ref consumer);
            Volatile.Write(ref block->Status, Native.StatusKernel);
            _next = _next + 1 == _blocks ? 0 : _next + 1;
        }

        Received += count;
        return count;
    }

    private static int GiveBlock<T>(Native.BlockHeader* block, ref T consumer)
        where T : IFrameConsumer, allows ref struct
    {
        var count = (int)block->Packets;
        var packet = (Native.PacketHeader*)((byte*)block + block->FirstPacketOffset);
        for (var i = 0; i < count; i++)
        {
            var link = (Native.SockaddrLl*)((byte*)packet + Native.AlignedPacketHeaderSize);
            consumer.Take(new Frame
            {
                Bytes = new ReadOnlySpan<byte>((byte*)packet + packet->MacOffset, (int)packet->CapturedLength),
                OriginalLength = (int)packet->Length,
                TimestampNanoseconds = packet->Seconds * 1_000_000_000L + packet->Nanoseconds,
                Link = LinkType.Ethernet,
                Direction = link->PacketType == Native.PacketOutgoing ? FrameDirection.Outgoing : FrameDirection.Incoming,
                VlanTag = (packet->Status & Native.StatusVlanValid) != 0 ? (ushort)packet->VlanTag : (ushort)0,
            });
            packet = (Native.PacketHeader*)((byte*)packet + packet->NextOffset);
        }

        return count;
    }

    private bool WaitForBlock(TimeSpan timeout)
    {
        var poll = new Native.PollDescriptor { Descriptor = _socket, Events = Native.PollIn | Native.PollError };
        var result = Native.poll(&poll, 1, (int)Math.Min(timeout.TotalMilliseconds, int.MaxValue));
        if (result > 0 && (poll.Events & Native.PollIn) != 0 && (poll.Returned & Native.PollError) != 0) throw PacketRingException.Of("the interface went away");
        return result > 0;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial uint if_nametoindex(string name);
}

/// <summary>The kernel refused to hand over packets.</summary>
public sealed class PacketRingException(string message) : Exception(message)
{
    internal static PacketRingException Of(string what) => new($"{what}: {Marshal.GetLastPInvokeErrorMessage()}");
}
