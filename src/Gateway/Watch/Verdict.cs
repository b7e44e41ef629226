using System.Runtime.CompilerServices;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Watch;

public enum VerdictKind : byte
{
    Opened,
    Updated,
    Ended,
}

/// <summary>One packet that counted towards a verdict.</summary>
public readonly record struct Sample(
    long Time, InternetAddress Source, InternetAddress Destination, ushort SourcePort, ushort DestinationPort, IpProtocol Protocol, TcpFlags Flags, int Length);

/// <summary>The latest packets that counted.</summary>
[InlineArray(Length)]
public struct SampleList
{
    public const int Length = 5;
    private Sample _first;
}

/// <summary>What the engine concluded about one device by one rule, as numbers; <see cref="VerdictText"/> puts it in words.</summary>
/// <param name="Time">The capture time of the packet that tipped the decision, in nanoseconds since 1970-01-01 UTC.</param>
/// <param name="Since">When what was counted began.</param>
/// <param name="Count">Packets, contacts or sessions counted since then.</param>
/// <param name="Level">What the count reached, less what an ordinary day explains.</param>
/// <param name="Limit">What <paramref name="Level"/> passed.</param>
public readonly record struct Verdict(
    VerdictKind What, MacAddress Mac, RuleId Rule, Certainty Certainty, long Time, long Since, long Count, double Level, double Limit, SampleList Samples, int SampleCount);
