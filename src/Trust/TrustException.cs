namespace Gatehouse.Trust;

/// <summary>An update, a look-up or a download ended without trust. Nothing unverified was kept or returned.</summary>
public sealed class TrustException : Exception
{
    /// <summary>Makes the exception from a reason and a sentence.</summary>
    public TrustException(TrustReason reason, string message) : base(message) => Reason = reason;

    /// <summary>Makes the exception from a reason, a sentence, and the failure below it.</summary>
    public TrustException(TrustReason reason, string message, Exception innerException) : base(message, innerException) => Reason = reason;

    internal TrustException(Refusal refusal) : this(refusal.Reason, refusal.Sentence)
    {
    }

    /// <summary>What kind of failure this is.</summary>
    public TrustReason Reason { get; }
}
