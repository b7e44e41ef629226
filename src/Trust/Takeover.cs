namespace Gatehouse.Trust;

/// <summary>A successor has taken a maker's place (docs/takeover.md). Shown to the owner; never undone.</summary>
/// <param name="FromRootVersion">The maker's last root.</param>
/// <param name="Declared">When the successor's parties declared the maker silent.</param>
/// <param name="SignedBy">Ids of the successor's keys that attested the silence.</param>
public sealed record Takeover(long FromRootVersion, DateTimeOffset Declared, IReadOnlyList<string> SignedBy);
