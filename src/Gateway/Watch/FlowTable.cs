using Gatehouse.Wire;

namespace Gatehouse.Watch;

[Flags]
internal enum FlowMarks : ushort
{
    None = 0,
    SynOut = 1,
    SynIn = 2,
    Answered = 4,
    Established = 8,
    IsForgiven = 16,
    IsAnchored = 32,
    LoginCounted = 64,
    TalkOut = 128,
    TalkIn = 256,
    IrcOut = 512,
    MiraiHello = 1024,
    Refused = 2048,
    IsWan = 4096,
    PasswordAsked = 8192,

    /// <summary>The other side began it.</summary>
    IsServed = 16384,
}

/// <summary>One conversation of a device: the other side's address and port, the own port, the protocol.</summary>
internal struct Flow
{
    public ulong Key;
    public long Last;
    public FlowMarks Marks;

    /// <summary>Packets sent since the other side was heard, saturating.</summary>
    public ushort SinceIn;

    /// <summary>Segments with payload sent and received, saturating.</summary>
    public byte PayloadsOut;
    public byte PayloadsIn;

    public readonly bool Has(FlowMarks marks) => (Marks & marks) != 0;
}

/// <summary>
/// A device's conversations in a table of fixed size. At the bound the one silent longest in its bucket goes: it is met again as new, which
/// at worst counts one contact twice. A scan or a flood fills only its own device's table.
/// </summary>
internal sealed class FlowTable
{
    public const int Capacity = 512;
    private const int Ways = 4;
    private const int BucketShift = 64 - 7; // 128 buckets of 4

    private readonly Flow[] _flows = new Flow[Capacity];

    /// <summary>The flow of <paramref name="key"/>, made if it is not there.</summary>
    public ref Flow Find(ulong key, long now, out bool isNew)
    {
        var bucket = _flows.AsSpan((int)(key >> BucketShift) * Ways, Ways);
        var oldest = 0;
        for (var i = 0; i < Ways; i++)
        {
            if (bucket[i].Key == key)
            {
                isNew = false;
                bucket[i].Last = now;
                return ref bucket[i];
            }

            if (bucket[i].Last < bucket[oldest].Last) oldest = i;
        }

        isNew = true;
        bucket[oldest] = new Flow { Key = key, Last = now };
        return ref bucket[oldest];
    }

    /// <summary>The key of a conversation, never 0. A 64-bit mix stands for the 37 bytes: two conversations of one table meet in one key once in 10^14.</summary>
    public static ulong KeyOf(InternetAddress remote, ushort remotePort, ushort ownPort, IpProtocol protocol) => unchecked(
        Mix(remote.Low ^ (remote.High == 0 ? 0 : Mix(remote.High)) ^ ((ulong)remotePort << 40 | (ulong)ownPort << 16 | (byte)protocol) * 0xD6E8_FEB8_6659_FD93) | 1);

    // The finaliser of SplitMix64.
    private static ulong Mix(ulong value)
    {
        unchecked
        {
            value = (value ^ value >> 30) * 0xBF58_476D_1CE4_E5B9;
            value = (value ^ value >> 27) * 0x94D0_49BB_1331_11EB;
            return value ^ value >> 31;
        }
    }
}
