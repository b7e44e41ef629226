using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>One address a device has to do with, all ports together.</summary>
internal struct Peer
{
    public ulong Key;
    public long Last;

    /// <summary>Datagrams and fragments sent since the other side was heard, saturating.</summary>
    public ushort SinceIn;
    public bool HasAnswered;
    public bool IsAnchored;

    /// <summary>Connections completed to one port of it.</summary>
    public Meter Connections;

    /// <summary>Attempts to connect that nothing answered.</summary>
    public int Unanswered;
    public long UnansweredSince;
}

/// <summary>A device's peers in a table of fixed size; at the bound the one silent longest in its bucket goes.</summary>
internal sealed class PeerTable
{
    public const int Capacity = 128;
    private const int Ways = 4;
    private const int BucketShift = 64 - 5;

    private readonly Peer[] _peers = new Peer[Capacity];

    /// <summary>The peer at an address, made if it is not there.</summary>
    public ref Peer Find(InternetAddress address, long now, out bool isNew)
    {
        var key = FlowTable.KeyOf(address, 0, 0, 0);
        var bucket = _peers.AsSpan((int)(key >> BucketShift) * Ways, Ways);
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
        bucket[oldest] = new Peer { Key = key, Last = now };
        return ref bucket[oldest];
    }
}
