using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>What one rule holds against one device: evidence while it gathers, the finding while it lasts.</summary>
internal sealed class Case
{
    private SampleList _samples;
    private int _nextSample;

    public bool IsOpen { get; set; }
    public Certainty Certainty { get; set; }
    public long Since { get; set; }
    public long Count { get; set; }
    public double Level { get; set; }
    public double Limit { get; set; }
    public long LastEvidence { get; set; }
    public long LastReported { get; set; }
    public SampleList Samples => _samples;
    public int SampleCount { get; private set; }

    /// <summary>Keeps a packet among the last five that counted.</summary>
    public void Keep(in Packet packet)
    {
        _samples[_nextSample] = new(
            packet.Time, packet.Source, packet.Destination, packet.SourcePort, packet.DestinationPort, packet.Protocol, packet.Flags, packet.WireLength);
        _nextSample = _nextSample + 1 == SampleList.Length ? 0 : _nextSample + 1;
        if (SampleCount < SampleList.Length) SampleCount++;
    }

    public void Forget()
    {
        IsOpen = false;
        Certainty = Certainty.Suspected;
        SampleCount = 0;
        _nextSample = 0;
    }
}
