namespace Gatehouse.Wire;

/// <summary>The link layer a frame begins with. Values are pcap's LINKTYPE numbers.</summary>
public enum LinkType : ushort
{
    Ethernet = 1,
    Raw = 101,
    LinuxCooked = 113,
    LinuxCooked2 = 276,
}

/// <summary>Which way a frame went past the observer, where the source says so (AF_PACKET's sll_pkttype, cooked captures).</summary>
public enum FrameDirection : byte
{
    Unknown,
    Incoming,
    Outgoing,
}

/// <summary>One frame as a capture or a packet ring gives it. <see cref="Bytes"/> belongs to the source and is valid only during the call.</summary>
public readonly ref struct Frame
{
    /// <summary>The bytes captured, at most the snap length.</summary>
    public required ReadOnlySpan<byte> Bytes { get; init; }

    /// <summary>The length on the wire in bytes; larger than <see cref="Bytes"/> where the capture was cut.</summary>
    public required int OriginalLength { get; init; }

    /// <summary>Nanoseconds since 1970-01-01 UTC.</summary>
    public required long TimestampNanoseconds { get; init; }

    public required LinkType Link { get; init; }

    public FrameDirection Direction { get; init; }

    /// <summary>The VLAN tag the kernel took out of the frame, or 0.</summary>
    public ushort VlanTag { get; init; }
}

/// <summary>Takes frames from a source in order. Called on the source's thread; must not block, allocate or keep the frame.</summary>
public interface IFrameConsumer
{
    void Take(in Frame frame);
}
