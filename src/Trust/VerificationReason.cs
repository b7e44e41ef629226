namespace Gatehouse.Trust;

/// <summary>Why a target is trusted: everything a person would need to check it again by hand.</summary>
/// <param name="Repository">The name under which the repository was opened.</param>
/// <param name="TargetPath">The target's path in that repository.</param>
/// <param name="RootVersion">Version of the root metadata that was trusted.</param>
/// <param name="Roles">From the timestamp down to the role that signed the target, in order.</param>
/// <param name="LogEntry">Where a transparency log has the release; null as long as the repository names no log.</param>
public sealed record VerificationReason(
    string Repository, string TargetPath, long RootVersion, IReadOnlyList<RoleReason> Roles, string? LogEntry = null);

/// <summary>One role on the way to a target.</summary>
/// <param name="Role">Its name.</param>
/// <param name="Version">Version of its metadata.</param>
/// <param name="Expires">Until when that metadata is valid.</param>
/// <param name="Threshold">How many distinct keys had to sign.</param>
/// <param name="SignedBy">Ids of the keys that did.</param>
public sealed record RoleReason(string Role, long Version, DateTimeOffset Expires, int Threshold, IReadOnlyList<string> SignedBy);
