namespace Gatehouse.Wire;

/// <summary>What stands in place of an Ethernet header in captures of Linux' "any" device: no destination, but the direction.</summary>
/// <remarks>pcap's LINKTYPE_LINUX_SLL (113) and LINKTYPE_LINUX_SLL2 (276).</remarks>
public readonly record struct LinuxCookedHeader(FrameDirection Direction, MacAddress Source, EtherType Type)
{
    /// <summary>Length of version 1 on the wire, in bytes.</summary>
    public const int Size = 16;

    /// <summary>Length of version 2 on the wire, in bytes.</summary>
    public const int Size2 = 20;

    private const ushort PacketOutgoing = 4;

    public static bool TryParse(ReadOnlySpan<byte> frame, out LinuxCookedHeader header, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(frame);
        var packetType = reader.ReadUInt16();
        reader.Skip(2); // ARPHRD type
        var length = reader.ReadUInt16();
        var address = reader.Take(8);
        var type = (EtherType)reader.ReadUInt16();

        header = new(DirectionOf(packetType), SourceOf(address, length), type);
        payload = reader.Rest;
        return reader.Ok;
    }

    public static bool TryParse2(ReadOnlySpan<byte> frame, out LinuxCookedHeader header, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(frame);
        var type = (EtherType)reader.ReadUInt16();
        reader.Skip(2 + 4 + 2); // reserved, interface index, ARPHRD type
        var packetType = reader.ReadByte();
        var length = reader.ReadByte();
        var address = reader.Take(8);

        header = new(DirectionOf(packetType), SourceOf(address, length), type);
        payload = reader.Rest;
        return reader.Ok;
    }

    private static FrameDirection DirectionOf(ushort packetType) => packetType == PacketOutgoing ? FrameDirection.Outgoing : FrameDirection.Incoming;

    // Devices without an Ethernet address (PPP, tunnels) say another length; their bytes are no MAC address.
    private static MacAddress SourceOf(ReadOnlySpan<byte> address, int length) =>
        length == MacAddress.Size ? new WireReader(address).ReadMacAddress() : default;
}
