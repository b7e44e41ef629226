using Gatehouse.Wire;

namespace Gatehouse.Home;

/// <summary>One line of the journal. Lines are only ever added; <see cref="Sequence"/> has no holes.</summary>
/// <param name="Kind">The change's stable name, as in <see cref="Change"/>'s table: <c>question.answered</c>.</param>
/// <param name="Details">The change as JSON.</param>
public sealed record JournalEntry(long Sequence, DateTimeOffset At, string Kind, MacAddress? Thing, string Sentence, string Details);
