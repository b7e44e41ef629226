using System.Collections.Immutable;
using Gatehouse.Wire;

namespace Gatehouse.Home;

public enum FindingKind
{
    Scan,
    BruteForce,
    CommandAndControl,
    Ddos,
    Reflector,
    Takeover,
    Anomaly,
}

public enum Certainty
{
    /// <summary>Throttle: reversible, ends by itself.</summary>
    Suspected,

    /// <summary>Cut off.</summary>
    Certain,
}

/// <summary>What Watch noticed of one Thing by one rule, while it lasts.</summary>
public sealed record Finding
{
    public required long Id { get; init; }
    public required MacAddress Thing { get; init; }

    /// <summary>The rule's stable name, as its page in <c>docs/rules/</c>: <c>scan.telnet</c>, <c>ddos.udp</c>.</summary>
    public required string Rule { get; init; }

    public required FindingKind Kind { get; init; }
    public required Certainty Certainty { get; init; }
    public required DateTimeOffset Started { get; init; }
    public required DateTimeOffset Updated { get; init; }
    public DateTimeOffset? Ended { get; init; }

    /// <summary>What was counted, the limit, since when, sample packets: label and value, in the order to show them.</summary>
    public required ImmutableArray<EvidenceItem> Evidence { get; init; }

    /// <summary>What happened, in one sentence for the owner, without the Thing's name.</summary>
    public required string Sentence { get; init; }
}

/// <summary>One line of a finding's evidence.</summary>
public sealed record EvidenceItem(string Label, string Value);
