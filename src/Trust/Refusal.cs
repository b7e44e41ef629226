namespace Gatehouse.Trust;

/// <summary>A decision not to trust: the reason, and one plain sentence that names the role.</summary>
internal sealed record Refusal(TrustReason Reason, string Sentence);
