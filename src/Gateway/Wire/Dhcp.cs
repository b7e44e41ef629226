namespace Gatehouse.Wire;

/// <summary>DHCP message types (RFC 2132, 9.6).</summary>
public enum DhcpMessageType : byte
{
    Discover = 1,
    Offer = 2,
    Request = 3,
    Decline = 4,
    Acknowledge = 5,
    Refuse = 6,
    Release = 7,
    Inform = 8,
}

/// <summary>Option codes that are read (RFC 2132, RFC 3004, RFC 4702, RFC 8520).</summary>
public enum DhcpOptionCode : byte
{
    Pad = 0,
    HostName = 12,
    RequestedAddress = 50,
    Overload = 52,
    MessageType = 53,
    ParameterList = 55,
    VendorClass = 60,
    UserClass = 77,
    ClientFullName = 81,
    MudUrl = 161,
    End = 255,
}

/// <summary>One DHCPv4 message: the fixed fields, and its options wherever they are.</summary>
/// <remarks>
/// RFC 2131, 2 and 4.1; RFC 3396 for options in several pieces. Refused: anything but Ethernet, a wrong cookie, an option past its field's end, options without
/// an end, no message type or more than one. Holds on to the bytes it was read from.
/// </remarks>
public readonly ref struct DhcpMessage
{
    /// <summary>Longest option value that is put together from pieces, in bytes. Host names, classes and URLs are far shorter.</summary>
    public const int MaxOptionBytes = 1024;

    private const uint MagicCookie = 0x6382_5363;
    private const int SNameBytes = 64;
    private const int FileBytes = 128;

    private readonly ReadOnlySpan<byte> _options;
    private readonly ReadOnlySpan<byte> _file;
    private readonly ReadOnlySpan<byte> _sname;

    private DhcpMessage(ReadOnlySpan<byte> options, ReadOnlySpan<byte> file, ReadOnlySpan<byte> sname)
    {
        _options = options;
        _file = file;
        _sname = sname;
    }

    /// <summary>True for what a client sends (BOOTREQUEST), false for a server's.</summary>
    public bool IsFromClient { get; private init; }

    public DhcpMessageType Type { get; private init; }

    public uint TransactionId { get; private init; }

    /// <summary>The client's hardware address as it says itself; the frame may come from another.</summary>
    public MacAddress ClientMac { get; private init; }

    /// <summary>The address the client says it has (ciaddr), host order; 0 for none.</summary>
    public uint ClientAddress { get; private init; }

    /// <summary>The address the server gives (yiaddr), host order; 0 for none.</summary>
    public uint YourAddress { get; private init; }

    public static bool TryParse(ReadOnlySpan<byte> datagram, out DhcpMessage message)
    {
        message = default;
        var reader = new WireReader(datagram);
        var (op, hardware, hardwareLength, _) = (reader.ReadByte(), reader.ReadByte(), reader.ReadByte(), reader.ReadByte());
        var transaction = reader.ReadUInt32();
        reader.Skip(4); // secs, flags
        var (client, your) = (reader.ReadUInt32(), reader.ReadUInt32());
        reader.Skip(8); // siaddr, giaddr
        var mac = reader.ReadMacAddress();
        reader.Skip(10);
        var sname = reader.Take(SNameBytes);
        var file = reader.Take(FileBytes);
        var cookie = reader.ReadUInt32();
        if (!reader.Ok || op is not (1 or 2) || hardware != 1 || hardwareLength != MacAddress.Size || cookie != MagicCookie) return false;

        var options = reader.Rest;
        if (!IsWhole(options) || !TryOverload(options, ref file, ref sname)) return false;

        var read = new DhcpMessage(options, file, sname);
        Span<byte> type = stackalloc byte[2];
        if (!read.TryGet(DhcpOptionCode.MessageType, type, out var length) || length != 1 || type[0] is < 1 or > 18) return false;

        message = new DhcpMessage(options, file, sname)
        {
            IsFromClient = op == 1, Type = (DhcpMessageType)type[0], TransactionId = transaction, ClientMac = mac, ClientAddress = client, YourAddress = your,
        };
        return true;
    }

    /// <summary>Copies the value of an option, its pieces put together in order (RFC 3396). False where it is absent or longer than <paramref name="destination"/>.</summary>
    public bool TryGet(DhcpOptionCode code, Span<byte> destination, out int length)
    {
        length = 0;
        var found = false;
        return Append(_options, code, destination, ref length, ref found)
            && Append(_file, code, destination, ref length, ref found)
            && Append(_sname, code, destination, ref length, ref found)
            && found;
    }

    /// <summary>Reads the next option of a field. False at its end.</summary>
    private static bool TryNext(ref WireReader reader, out DhcpOptionCode code, out ReadOnlySpan<byte> value)
    {
        value = default;
        do code = (DhcpOptionCode)reader.ReadByte();
        while (reader.Ok && code == DhcpOptionCode.Pad);
        if (!reader.Ok || code == DhcpOptionCode.End) return false;

        value = reader.Take(reader.ReadByte());
        return reader.Ok;
    }

    // RFC 2131, 4.1: the last option is always the end option. One that runs past the field has no end either.
    private static bool IsWhole(ReadOnlySpan<byte> field)
    {
        var reader = new WireReader(field);
        while (TryNext(ref reader, out _, out _))
        {
        }

        return reader.Ok;
    }

    // RFC 2132, 9.3: options go on in the file and sname fields, in that order. Without it those fields hold names, not options.
    private static bool TryOverload(ReadOnlySpan<byte> options, ref ReadOnlySpan<byte> file, ref ReadOnlySpan<byte> sname)
    {
        Span<byte> overload = stackalloc byte[2];
        var (length, found) = (0, false);
        if (!Append(options, DhcpOptionCode.Overload, overload, ref length, ref found)) return false;
        if (found && (length != 1 || overload[0] is < 1 or > 3)) return false;

        if (!found || overload[0] == 2) file = default;
        if (!found || overload[0] == 1) sname = default;
        return (file.IsEmpty || IsWhole(file)) && (sname.IsEmpty || IsWhole(sname));
    }

    private static bool Append(ReadOnlySpan<byte> field, DhcpOptionCode wanted, Span<byte> destination, ref int length, ref bool found)
    {
        var reader = new WireReader(field);
        while (TryNext(ref reader, out var code, out var value))
        {
            if (code != wanted) continue;
            if (value.Length > destination.Length - length) return false;
            value.CopyTo(destination[length..]);
            length += value.Length;
            found = true;
        }

        return true;
    }
}
