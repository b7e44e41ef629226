namespace Gatehouse.Wire;

/// <summary>What an Ethernet frame carries (IEEE 802 numbers); any other value may appear too.</summary>
public enum EtherType : ushort
{
    Ipv4 = 0x0800,
    Arp = 0x0806,
    Vlan = 0x8100,
    Ipv6 = 0x86DD,
    ServiceVlan = 0x88A8,
    OldServiceVlan = 0x9100,
}

/// <summary>The first 14 bytes of an Ethernet frame (IEEE 802.3, 3.2).</summary>
/// <param name="Type">An EtherType, or, below 0x600, the length of an 802.3 frame.</param>
public readonly record struct EthernetHeader(MacAddress Destination, MacAddress Source, EtherType Type)
{
    /// <summary>Length on the wire, in bytes.</summary>
    public const int Size = 14;

    public static bool TryParse(ReadOnlySpan<byte> frame, out EthernetHeader header, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(frame);
        header = new(reader.ReadMacAddress(), reader.ReadMacAddress(), (EtherType)reader.ReadUInt16());
        payload = reader.Rest;
        return reader.Ok;
    }
}

/// <summary>The four bytes after an EtherType of 0x8100 or 0x88a8 (IEEE 802.1Q, 9.6).</summary>
/// <param name="Control">Priority (3 bits), drop eligible (1 bit) and the VLAN's id (12 bits).</param>
/// <param name="Type">The EtherType of what follows.</param>
public readonly record struct VlanHeader(ushort Control, EtherType Type)
{
    /// <summary>Length on the wire, in bytes.</summary>
    public const int Size = 4;

    public ushort Id => (ushort)(Control & 0xFFF);

    public static bool TryParse(ReadOnlySpan<byte> tagged, out VlanHeader header, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(tagged);
        header = new(reader.ReadUInt16(), (EtherType)reader.ReadUInt16());
        payload = reader.Rest;
        return reader.Ok;
    }
}
