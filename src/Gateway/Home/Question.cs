using System.Collections.Immutable;
using Gatehouse.Wire;

namespace Gatehouse.Home;

public enum QuestionKind
{
    /// <summary>May this Thing reach this name? <see cref="Question.Subject"/> is the DNS name.</summary>
    Reach,

    /// <summary>Is this device a computer of yours? <see cref="Question.Subject"/> is the host name it gives.</summary>
    IsComputer,

    /// <summary>Shall this way in from the Internet stay open? <see cref="Question.Subject"/> is the port forward's id.</summary>
    PortForward,
}

public enum Answer
{
    /// <summary>Not answered. No answer means no.</summary>
    None,
    Yes,
    No,
}

/// <summary>One thing only the owner can decide, asked once in plain words.</summary>
public sealed record Question
{
    public required long Id { get; init; }
    public required MacAddress Thing { get; init; }
    public required QuestionKind Kind { get; init; }
    public required string Subject { get; init; }

    /// <summary>The ports a yes would open (<see cref="QuestionKind.Reach"/>).</summary>
    public ImmutableArray<TransportPort> Ports { get; init; } = [];

    /// <summary>What is known that helps to decide: who owns the name, what the pack says it is for. May be empty.</summary>
    public string Hint { get; init; } = "";

    public required DateTimeOffset Asked { get; init; }

    public Answer Answer { get; init; }
    public DateTimeOffset? Answered { get; init; }
}
