using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>
/// The addresses that DNS ever handed to anybody on this network. An address a Thing talks to without one is an address it was given some
/// other way: typed into its firmware, or picked by a scanner. The biggest single help against false alarms.
/// </summary>
/// <remarks>Fixed size; at the bound the address heard longest ago in its bucket goes, and counts as never named.</remarks>
internal sealed class DnsAnchors
{
    public const int Capacity = 16_384;

    /// <summary>Records read of one answer; larger ones do not fit a datagram.</summary>
    public const int MaxRecords = 64;

    private const int Ways = 4;
    private const int BucketShift = 64 - 12;
    private const ushort TypeA = 1;
    private const ushort TypeAaaa = 28;
    private const ushort ResponseFlag = 0x8000;

    private readonly (ulong Key, long Last)[] _anchors = new (ulong, long)[Capacity];

    public bool Contains(InternetAddress address)
    {
        var key = FlowTable.KeyOf(address, 0, 0, 0);
        foreach (ref readonly var anchor in _anchors.AsSpan((int)(key >> BucketShift) * Ways, Ways))
        {
            if (anchor.Key == key) return true;
        }

        return false;
    }

    public void Add(InternetAddress address, long now)
    {
        var key = FlowTable.KeyOf(address, 0, 0, 0);
        var bucket = _anchors.AsSpan((int)(key >> BucketShift) * Ways, Ways);
        var oldest = 0;
        for (var i = 0; i < Ways; i++)
        {
            if (bucket[i].Key == key)
            {
                oldest = i;
                break;
            }

            if (bucket[i].Last < bucket[oldest].Last) oldest = i;
        }

        bucket[oldest] = (key, now);
    }

    /// <summary>Takes the addresses out of a DNS answer (RFC 1035, 4.1).</summary>
    /// <returns>False when it could not be read to its end, as in a capture that cut it: addresses may then be missing.</returns>
    public bool AddFrom(ReadOnlySpan<byte> message, long now)
    {
        var reader = new WireReader(message);
        reader.Skip(2);
        var isResponse = (reader.ReadUInt16() & ResponseFlag) != 0;
        var questions = reader.ReadUInt16();
        var answers = reader.ReadUInt16();
        reader.Skip(4);
        if (!isResponse || !reader.Ok) return true;

        for (var i = 0; i < questions && i < MaxRecords && reader.Ok; i++)
        {
            SkipName(ref reader);
            reader.Skip(4);
        }

        for (var i = 0; i < answers && i < MaxRecords && reader.Ok; i++) AddRecord(ref reader, now);
        return reader.Ok;
    }

    private void AddRecord(ref WireReader reader, long now)
    {
        SkipName(ref reader);
        var type = reader.ReadUInt16();
        reader.Skip(2 + 4); // class, time to live
        var data = new WireReader(reader.Take(reader.ReadUInt16()));
        if (!reader.Ok) return;

        if (type == TypeA && data.Remaining == 4) Add(InternetAddress.FromIpv4(data.ReadUInt32()), now);
        if (type == TypeAaaa && data.Remaining == 16) Add(new InternetAddress(data.ReadUInt64(), data.ReadUInt64()), now);
    }

    // A compressed name ends with its pointer: where it points to does not matter here, so no loop can be built.
    private static void SkipName(ref WireReader reader)
    {
        while (reader.Ok)
        {
            var length = reader.ReadByte();
            if (length == 0) return;
            if (length >= 0xC0)
            {
                reader.Skip(1);
                return;
            }

            reader.Skip(length);
        }
    }
}
