using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;

namespace Gatehouse.Wire;

/// <summary>Record and question types (IANA "Resource Record (RR) TYPEs").</summary>
[SuppressMessage("Naming", "CA1720", Justification = "The registry's own names.")]
[SuppressMessage("Naming", "CA1712", Justification = "The registry's own names.")]
public enum DnsType : ushort
{
    A = 1,
    NS = 2,
    CNAME = 5,
    SOA = 6,
    PTR = 12,
    MX = 15,
    TXT = 16,
    AAAA = 28,
    SRV = 33,
    OPT = 41,
    NSEC = 47,
    SVCB = 64,
    HTTPS = 65,
    ANY = 255,
}

/// <summary>How a question went (RFC 1035, 4.1.1).</summary>
public enum DnsResponseCode : byte
{
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
}

/// <summary>Why an answer is what it is (RFC 8914, 4).</summary>
public enum DnsExtendedErrorCode : ushort
{
    Other = 0,
    StaleAnswer = 3,
    ForgedAnswer = 4,
    Blocked = 15,
    Censored = 16,
    Filtered = 17,
    Prohibited = 18,
    NoReachableAuthority = 22,
    NetworkError = 23,
}

/// <summary>The extended error an answer carries (RFC 8914): a code for programs and a sentence for people.</summary>
public sealed record DnsExtendedError(DnsExtendedErrorCode Code, string Text);

/// <summary>One question. The class's top bit asks for a unicast answer in mDNS (RFC 6762, 5.4).</summary>
public readonly record struct DnsQuestion(DnsName Name, DnsType Type, ushort Class)
{
    /// <summary>The Internet class.</summary>
    public const ushort Internet = 1;
}

/// <summary>One resource record. The class's top bit is mDNS's cache-flush bit (RFC 6762, 10.2).</summary>
public sealed record DnsRecord(DnsName Name, DnsType Type, ushort Class, uint Ttl, DnsData Data)
{
    /// <summary>The class without mDNS's cache-flush bit.</summary>
    public ushort PlainClass => (ushort)(Class & 0x7FFF);
}

/// <summary>What a record says. Compared by reference; names in it are whole, never compressed.</summary>
[SuppressMessage("Naming", "CA1711", Justification = "RDATA is the standard's word.")]
public abstract class DnsData;

/// <summary>A or AAAA.</summary>
public sealed class DnsAddress(IPAddress address) : DnsData
{
    public IPAddress Address { get; } = address;
}

/// <summary>CNAME, NS, PTR: another name.</summary>
public sealed class DnsPointer(DnsName target) : DnsData
{
    public DnsName Target { get; } = target;
}

/// <summary>MX.</summary>
public sealed class DnsMailExchange(ushort preference, DnsName exchange) : DnsData
{
    public ushort Preference { get; } = preference;
    public DnsName Exchange { get; } = exchange;
}

/// <summary>SRV (RFC 2782).</summary>
public sealed class DnsService(ushort priority, ushort weight, ushort port, DnsName target) : DnsData
{
    public ushort Priority { get; } = priority;
    public ushort Weight { get; } = weight;
    public ushort Port { get; } = port;
    public DnsName Target { get; } = target;
}

/// <summary>TXT: strings of at most 255 bytes each; in DNS-SD <c>key=value</c> (RFC 6763, 6).</summary>
public sealed class DnsText(ImmutableArray<ReadOnlyMemory<byte>> strings) : DnsData
{
    public ImmutableArray<ReadOnlyMemory<byte>> Strings { get; } = strings;
}

/// <summary>SOA; <see cref="Minimum"/> bounds how long a negative answer may be kept (RFC 2308, 4).</summary>
public sealed class DnsStartOfAuthority(DnsName primary, DnsName mailbox, uint serial, uint refresh, uint retry, uint expire, uint minimum) : DnsData
{
    public DnsName Primary { get; } = primary;
    public DnsName Mailbox { get; } = mailbox;
    public uint Serial { get; } = serial;
    public uint Refresh { get; } = refresh;
    public uint Retry { get; } = retry;
    public uint Expire { get; } = expire;
    public uint Minimum { get; } = minimum;
}

/// <summary>Any other type's bytes as they came; such types hold no compressed names (RFC 3597, 4).</summary>
public sealed class DnsOpaque(ReadOnlyMemory<byte> bytes) : DnsData
{
    public ReadOnlyMemory<byte> Bytes { get; } = bytes;
}

/// <summary>The OPT pseudo-record (RFC 6891): what the sender can take, and the extended error if it gives one.</summary>
public sealed record DnsEdns(ushort UdpPayloadSize, byte Version = 0, bool DnssecOk = false, DnsExtendedError? Error = null)
{
    /// <summary>What our own messages offer: fits every path without fragments (DNS flag day 2020).</summary>
    public const ushort UsualPayloadSize = 1232;
}

/// <summary>One DNS or mDNS message. The OPT record is taken out of <see cref="Additionals"/> into <see cref="Edns"/>.</summary>
/// <remarks>
/// RFC 1035, 4. Refused: a name or field past the end, pointers that do not go back, reserved label types, data whose inside does not
/// fill its length exactly, two OPT records, more than <see cref="MaxRecords"/> records. Bytes after the last record are ignored.
/// </remarks>
public sealed class DnsMessage
{
    public const int HeaderSize = 12;

    /// <summary>Records (and questions) in one message. A 64 KiB message could hold 5,900 empty ones; none honest comes near this.</summary>
    public const int MaxRecords = 1000;

    /// <summary>Characters of an extended error's text that are kept.</summary>
    public const int MaxErrorText = 200;

    public ushort Id { get; init; }
    public bool IsResponse { get; init; }
    public byte Opcode { get; init; }
    public bool IsAuthoritative { get; init; }
    public bool IsTruncated { get; init; }
    public bool RecursionDesired { get; init; }
    public bool RecursionAvailable { get; init; }
    public bool AuthenticData { get; init; }
    public bool CheckingDisabled { get; init; }

    /// <summary>The header's four bits; EDNS's upper eight are in <see cref="ExtendedResponseCode"/>.</summary>
    public DnsResponseCode ResponseCode { get; init; }

    /// <summary>Upper eight bits of the response code, from OPT (RFC 6891, 6.1.3).</summary>
    public byte ExtendedResponseCode { get; init; }

    public ImmutableArray<DnsQuestion> Questions { get; init; } = [];
    public ImmutableArray<DnsRecord> Answers { get; init; } = [];
    public ImmutableArray<DnsRecord> Authorities { get; init; } = [];
    public ImmutableArray<DnsRecord> Additionals { get; init; } = [];

    /// <summary>The OPT record, or null where the sender does not speak EDNS.</summary>
    public DnsEdns? Edns { get; init; }

    /// <summary>Reads one message: a UDP payload, or the bytes after TCP's two length bytes.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out DnsMessage? message)
    {
        message = null;
        var reader = new WireReader(bytes);
        var id = reader.ReadUInt16();
        var flags = reader.ReadUInt16();
        var (questionCount, answerCount, authorityCount, additionalCount) =
            (reader.ReadUInt16(), reader.ReadUInt16(), reader.ReadUInt16(), reader.ReadUInt16());
        if (!reader.Ok || questionCount + answerCount + authorityCount + additionalCount > MaxRecords) return false;

        var questions = ReadQuestions(ref reader, bytes, questionCount);
        var answers = ReadRecords(ref reader, bytes, answerCount);
        var authorities = ReadRecords(ref reader, bytes, authorityCount);
        var additionals = ReadAdditionals(ref reader, bytes, additionalCount, out var edns, out var extendedCode);
        if (!reader.Ok || answers.Any(IsOpt) || authorities.Any(IsOpt)) return false;

        message = new DnsMessage
        {
            Id = id,
            IsResponse = (flags & 0x8000) != 0,
            Opcode = (byte)(flags >> 11 & 0xF),
            IsAuthoritative = (flags & 0x0400) != 0,
            IsTruncated = (flags & 0x0200) != 0,
            RecursionDesired = (flags & 0x0100) != 0,
            RecursionAvailable = (flags & 0x0080) != 0,
            AuthenticData = (flags & 0x0020) != 0,
            CheckingDisabled = (flags & 0x0010) != 0,
            ResponseCode = (DnsResponseCode)(flags & 0xF),
            ExtendedResponseCode = extendedCode,
            Questions = questions,
            Answers = answers,
            Authorities = authorities,
            Additionals = additionals,
            Edns = edns,
        };
        return true;
    }

    /// <summary>Writes the message, names compressed. False where it does not fit; then <paramref name="written"/> is 0.</summary>
    public bool TryWrite(Span<byte> destination, out int written)
    {
        var writer = new DnsWriter(destination);
        writer.WriteUInt16(Id);
        writer.WriteUInt16(Flags());
        writer.WriteUInt16((ushort)Questions.Length);
        writer.WriteUInt16((ushort)Answers.Length);
        writer.WriteUInt16((ushort)Authorities.Length);
        writer.WriteUInt16((ushort)(Additionals.Length + (Edns is null ? 0 : 1)));
        foreach (var question in Questions) writer.WriteQuestion(question);
        foreach (var record in Answers) writer.WriteRecord(record);
        foreach (var record in Authorities) writer.WriteRecord(record);
        foreach (var record in Additionals) writer.WriteRecord(record);
        if (Edns is not null) writer.WriteEdns(Edns, ExtendedResponseCode);

        written = writer.Ok ? writer.Length : 0;
        return writer.Ok;
    }

    private static bool IsOpt(DnsRecord record) => record.Type == DnsType.OPT;

    private ushort Flags() => (ushort)(
        (IsResponse ? 0x8000 : 0) | (Opcode & 0xF) << 11 | (IsAuthoritative ? 0x0400 : 0) | (IsTruncated ? 0x0200 : 0)
        | (RecursionDesired ? 0x0100 : 0) | (RecursionAvailable ? 0x0080 : 0) | (AuthenticData ? 0x0020 : 0)
        | (CheckingDisabled ? 0x0010 : 0) | (byte)ResponseCode & 0xF);

    private static ImmutableArray<DnsQuestion> ReadQuestions(ref WireReader reader, ReadOnlySpan<byte> bytes, int count)
    {
        var questions = ImmutableArray.CreateBuilder<DnsQuestion>(Math.Min(count, 4));
        for (var i = 0; i < count && reader.Ok; i++)
            questions.Add(new(DnsName.Read(ref reader, bytes), (DnsType)reader.ReadUInt16(), reader.ReadUInt16()));
        return questions.DrainToImmutable();
    }

    private static ImmutableArray<DnsRecord> ReadRecords(ref WireReader reader, ReadOnlySpan<byte> bytes, int count)
    {
        var records = ImmutableArray.CreateBuilder<DnsRecord>(Math.Min(count, 16));
        for (var i = 0; i < count && reader.Ok; i++)
        {
            if (ReadRecord(ref reader, bytes) is { } record) records.Add(record);
        }

        return records.DrainToImmutable();
    }

    private static ImmutableArray<DnsRecord> ReadAdditionals(
        ref WireReader reader, ReadOnlySpan<byte> bytes, int count, out DnsEdns? edns, out byte extendedCode)
    {
        (edns, extendedCode) = (null, 0);
        var records = ReadRecords(ref reader, bytes, count);
        if (!reader.Ok || !records.Any(IsOpt)) return records;

        var opt = records.First(IsOpt);
        if (!opt.Name.IsRoot || records.Count(IsOpt) > 1 || !TryReadError(((DnsOpaque)opt.Data).Bytes.Span, out var error))
        {
            // RFC 6891, 6.1.1: a second OPT is a format error.
            reader.Skip(-1);
            return [];
        }

        extendedCode = (byte)(opt.Ttl >> 24);
        edns = new(opt.Class, (byte)(opt.Ttl >> 16 & 0xFF), (opt.Ttl & 0x8000) != 0, error);
        return records.Remove(opt);
    }

    private static DnsRecord? ReadRecord(ref WireReader reader, ReadOnlySpan<byte> bytes)
    {
        var name = DnsName.Read(ref reader, bytes);
        var type = (DnsType)reader.ReadUInt16();
        var @class = reader.ReadUInt16();
        var ttl = reader.ReadUInt32();
        var length = reader.ReadUInt16();
        var dataAt = bytes.Length - reader.Remaining;
        reader.Skip(length);
        if (!reader.Ok) return null;

        // The inner reader ends where the data ends, yet starts at the header, so that pointers can be followed.
        var within = bytes[..(dataAt + length)];
        var inner = new WireReader(within);
        inner.Skip(dataAt);
        var data = ReadData(ref inner, within, type);
        if (!inner.Ok || inner.Remaining != 0) reader.Skip(-1);
        return new(name, type, @class, ttl, data);
    }

    private static DnsData ReadData(ref WireReader reader, ReadOnlySpan<byte> within, DnsType type) => type switch
    {
        DnsType.A => reader.Take(4) is { IsEmpty: false } v4 ? new DnsAddress(new IPAddress(v4)) : new DnsOpaque(default),
        DnsType.AAAA => reader.Take(16) is { IsEmpty: false } v6 ? new DnsAddress(new IPAddress(v6)) : new DnsOpaque(default),
        DnsType.CNAME or DnsType.NS or DnsType.PTR => new DnsPointer(DnsName.Read(ref reader, within)),
        DnsType.MX => new DnsMailExchange(reader.ReadUInt16(), DnsName.Read(ref reader, within)),
        DnsType.SRV => new DnsService(reader.ReadUInt16(), reader.ReadUInt16(), reader.ReadUInt16(), DnsName.Read(ref reader, within)),
        DnsType.TXT => ReadText(ref reader),
        DnsType.SOA => new DnsStartOfAuthority(DnsName.Read(ref reader, within), DnsName.Read(ref reader, within),
            reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32()),
        DnsType.NSEC => ReadNsec(ref reader, within),
        _ => new DnsOpaque(reader.Take(reader.Remaining).ToArray()),
    };

    private static DnsText ReadText(ref WireReader reader)
    {
        var strings = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        while (reader.Ok && reader.Remaining > 0) strings.Add(reader.Take(reader.ReadByte()).ToArray());
        return new(strings.DrainToImmutable());
    }

    // mDNS compresses NSEC's name (RFC 6762, 18.14), so it is kept with the name whole.
    private static DnsOpaque ReadNsec(ref WireReader reader, ReadOnlySpan<byte> within)
    {
        var next = DnsName.Read(ref reader, within);
        return new((byte[])[.. next.Wire, .. reader.Take(reader.Remaining)]);
    }

    private static bool TryReadError(ReadOnlySpan<byte> options, out DnsExtendedError? error)
    {
        const ushort ExtendedError = 15;
        error = null;
        var reader = new WireReader(options);
        while (reader.Ok && reader.Remaining > 0)
        {
            var code = reader.ReadUInt16();
            var option = new WireReader(reader.Take(reader.ReadUInt16()));
            if (!reader.Ok || code != ExtendedError) continue;

            var info = (DnsExtendedErrorCode)option.ReadUInt16();
            var text = Encoding.UTF8.GetString(option.Take(option.Remaining)).TrimEnd('\0');
            if (!option.Ok) return false;
            error ??= new(info, text.Length <= MaxErrorText ? text : text[..MaxErrorText]);
        }

        return reader.Ok;
    }
}
