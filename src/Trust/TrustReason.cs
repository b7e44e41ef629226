namespace Gatehouse.Trust;

/// <summary>Why metadata or an image was not accepted, or an update could not go on. One value per thing a caller may do differently.</summary>
/// <remarks>Section numbers are those of the TUF specification 1.0.34.</remarks>
public enum TrustReason
{
    /// <summary>The bytes are not the JSON that the specification describes (section 4), or are JSON that two readers could read differently.</summary>
    Malformed,

    /// <summary>More bytes, entries or levels than <see cref="TrustLimits"/> allows: the endless data attack (section 1.5.2).</summary>
    TooLarge,

    /// <summary>Fewer distinct trusted keys signed than the threshold asks for: arbitrary software (section 1.5.2).</summary>
    NotSigned,

    /// <summary>A file of one role was served in the place of another.</summary>
    WrongRole,

    /// <summary>The version is not the one that was asked for (5.3.5, 5.5.4, 5.6.4).</summary>
    WrongVersion,

    /// <summary>Older than what is already trusted: the rollback attack (5.3.5, 5.4.3, 5.5.5).</summary>
    Rollback,

    /// <summary>Past its date: the freeze attack (5.3.10, 5.4.4, 5.5.6, 5.6.5).</summary>
    Expired,

    /// <summary>Length or hash differ from what a trusted role says: mix-and-match, or a changed image (5.5.2, 5.6.2, 5.7.3).</summary>
    HashMismatch,

    /// <summary>The snapshot does not list the role's file, so nobody vouches for its version (5.6).</summary>
    NotInSnapshot,

    /// <summary>No role that may speak for this path has signed such a target (5.7.2).</summary>
    NoSuchTarget,

    /// <summary>The target's path cannot be asked for safely.</summary>
    UnsafePath,

    /// <summary>The mirror does not have a file it must have, or cannot be reached. Trying later may help.</summary>
    Unavailable,

    /// <summary>The mirror sends, but so slowly that no update would ever end: the slow retrieval attack (section 1.5.2).</summary>
    TooSlow,

    /// <summary>The metadata folder or the disk cannot be read or written.</summary>
    Storage,

    /// <summary>Nothing is trusted yet: no root metadata was given, or <see cref="TufRepository.RefreshAsync"/> has not succeeded yet.</summary>
    NotReady,

    /// <summary>The role has revoked itself by rotating to the null key (TAP 20).</summary>
    Revoked,

    /// <summary>The repositories that must agree on a target do not (TAP 4).</summary>
    Disagreement,

    /// <summary>A successor has taken this maker's place, or tries to without the right (docs/takeover.md).</summary>
    Takeover,
}
