namespace Gatehouse.Mend.Credentials;

public enum SecuredBy
{
    /// <summary>Its family is shipped without a known password.</summary>
    NoKnownPassword,

    /// <summary>It refuses the known password already.</summary>
    OwnPassword,

    /// <summary>The service that took the known password is shut.</summary>
    ClosedService,

    /// <summary>Gatehouse set one; the old one is refused and the new one accepted, as tried from outside.</summary>
    Rotation,

    /// <summary>The known password still opens it, or nobody can tell.</summary>
    Nothing,
}

/// <summary>How it stands with the password a Thing was shipped with.</summary>
/// <param name="Why">Where nothing helped: why, in words for the owner.</param>
public sealed record Secured(SecuredBy By, string Why = "")
{
    /// <summary>True when the known password opens nothing any more.</summary>
    public bool IsSafe => By != SecuredBy.Nothing;

    public bool IsRotated => By == SecuredBy.Rotation;

    /// <summary>One sentence for the owner, or nothing where there is nothing to say.</summary>
    public string Describe() => By switch
    {
        SecuredBy.Rotation => "It has a password of its own now; the one it was shipped with is refused.",
        SecuredBy.OwnPassword => "It refuses the password it was shipped with.",
        SecuredBy.ClosedService => "The service that took the password it was shipped with is shut.",
        SecuredBy.Nothing => $"It still has the password it was shipped with: {Why}.",
        _ => "",
    };
}
