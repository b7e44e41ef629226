using System.Buffers.Binary;
using System.Text;

namespace Gatehouse.Wire;

/// <summary>Writes the parts of a DNS message. The first write past the end fails this writer for good.</summary>
internal ref struct DnsWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;
    private readonly Dictionary<DnsName, int> _names = [];

    public bool Ok { get; private set; } = true;

    public int Length { get; private set; }

    public void WriteQuestion(DnsQuestion question)
    {
        WriteName(question.Name);
        WriteUInt16((ushort)question.Type);
        WriteUInt16(question.Class);
    }

    public void WriteRecord(DnsRecord record)
    {
        WriteName(record.Name);
        WriteUInt16((ushort)record.Type);
        WriteUInt16(record.Class);
        WriteUInt32(record.Ttl);
        var lengthAt = BeginLength();
        WriteData(record.Data);
        EndLength(lengthAt);
    }

    public void WriteEdns(DnsEdns edns, byte extendedResponseCode)
    {
        const ushort ExtendedError = 15;
        WriteName(DnsName.Root);
        WriteUInt16((ushort)DnsType.OPT);
        WriteUInt16(edns.UdpPayloadSize);
        WriteUInt32((uint)extendedResponseCode << 24 | (uint)edns.Version << 16 | (edns.DnssecOk ? 0x8000u : 0));
        var lengthAt = BeginLength();
        if (edns.Error is { } error)
        {
            WriteUInt16(ExtendedError);
            var optionAt = BeginLength();
            WriteUInt16((ushort)error.Code);
            Write(Encoding.UTF8.GetBytes(error.Text));
            EndLength(optionAt);
        }

        EndLength(lengthAt);
    }

    public void WriteUInt16(ushort value)
    {
        if (Reserve(2) is { IsEmpty: false } field) BinaryPrimitives.WriteUInt16BigEndian(field, value);
    }

    private void WriteUInt32(uint value)
    {
        if (Reserve(4) is { IsEmpty: false } field) BinaryPrimitives.WriteUInt32BigEndian(field, value);
    }

    private void Write(scoped ReadOnlySpan<byte> bytes)
    {
        var field = Reserve(bytes.Length);
        if (Ok) bytes.CopyTo(field);
    }

    private void WriteData(DnsData data)
    {
        switch (data)
        {
            case DnsAddress { Address: var address }:
                Write(address.GetAddressBytes());
                break;
            case DnsPointer pointer:
                WriteName(pointer.Target);
                break;
            case DnsMailExchange mail:
                WriteUInt16(mail.Preference);
                WriteName(mail.Exchange);
                break;
            case DnsService service:
                WriteUInt16(service.Priority);
                WriteUInt16(service.Weight);
                WriteUInt16(service.Port);
                Write(service.Target.Wire); // RFC 2782: the target is not compressed
                break;
            case DnsText text:
                foreach (var item in text.Strings)
                {
                    Write([checked((byte)item.Length)]);
                    Write(item.Span);
                }

                break;
            case DnsStartOfAuthority soa:
                WriteName(soa.Primary);
                WriteName(soa.Mailbox);
                WriteUInt32(soa.Serial);
                WriteUInt32(soa.Refresh);
                WriteUInt32(soa.Retry);
                WriteUInt32(soa.Expire);
                WriteUInt32(soa.Minimum);
                break;
            case DnsOpaque opaque:
                Write(opaque.Bytes.Span);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    // The longest part of the name that was written before is replaced by a pointer (RFC 1035, 4.1.4).
    private void WriteName(DnsName name)
    {
        for (var rest = name; !rest.IsRoot; rest = rest.Parent)
        {
            if (_names.TryGetValue(rest, out var at))
            {
                WriteUInt16((ushort)(0xC000 | at));
                return;
            }

            if (Ok && Length <= 0x3FFF) _names.Add(rest, Length);
            Write([(byte)rest.FirstLabel.Length]);
            Write(rest.FirstLabel);
        }

        Write([0]);
    }

    private int BeginLength()
    {
        var at = Length;
        WriteUInt16(0);
        return at;
    }

    private void EndLength(int at)
    {
        if (Ok) BinaryPrimitives.WriteUInt16BigEndian(_destination[at..], checked((ushort)(Length - at - 2)));
    }

    private Span<byte> Reserve(int count)
    {
        Ok &= count <= _destination.Length - Length;
        if (!Ok) return default;

        var field = _destination.Slice(Length, count);
        Length += count;
        return field;
    }
}
