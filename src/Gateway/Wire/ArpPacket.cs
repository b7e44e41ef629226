namespace Gatehouse.Wire;

public enum ArpOperation : ushort
{
    Request = 1,
    Reply = 2,
}

/// <summary>ARP for IPv4 over Ethernet (RFC 826); any other combination is refused.</summary>
/// <param name="Operation">Other values than the named ones may appear.</param>
public readonly record struct ArpPacket(
    ArpOperation Operation, MacAddress SenderMac, InternetAddress SenderAddress, MacAddress TargetMac, InternetAddress TargetAddress)
{
    /// <summary>Length on the wire, in bytes.</summary>
    public const int Size = 28;

    private const ushort HardwareEthernet = 1;

    public static bool TryParse(ReadOnlySpan<byte> bytes, out ArpPacket packet)
    {
        var reader = new WireReader(bytes);
        var isIpv4OverEthernet = reader.ReadUInt16() == HardwareEthernet & reader.ReadUInt16() == (ushort)EtherType.Ipv4
            & reader.ReadByte() == MacAddress.Size & reader.ReadByte() == sizeof(uint);
        packet = new(
            (ArpOperation)reader.ReadUInt16(),
            reader.ReadMacAddress(), InternetAddress.FromIpv4(reader.ReadUInt32()),
            reader.ReadMacAddress(), InternetAddress.FromIpv4(reader.ReadUInt32()));
        return reader.Ok && isIpv4OverEthernet;
    }

    /// <summary>A question for its own address, asked before it is used (RFC 5227, 2.1.1), or a claim of it to all.</summary>
    public bool IsProbeOrAnnouncement => SenderAddress.IsUnspecified || SenderAddress == TargetAddress;
}
