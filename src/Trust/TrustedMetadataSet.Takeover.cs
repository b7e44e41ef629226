using System.Security.Cryptography;
using Gatehouse.Trust.Keys;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust;

internal sealed partial class TrustedMetadataSet
{
    /// <summary>How far in the future a statement may be dated: clocks of honest parties differ by less.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromDays(1);

    /// <summary>Versions below which a targets role may not fall, whatever the keys: what was trusted before a takeover.</summary>
    public IReadOnlyDictionary<string, long> Floor { get; init; } = new Dictionary<string, long>();

    /// <summary>Identities of the online keys of makers that were succeeded. No later root may name one of them.</summary>
    public IReadOnlySet<string> RetiredKeys { get; private set; } = new HashSet<string>();

    /// <summary>
    /// docs/takeover.md, 3.4: a root that the present one's keys did not sign may follow it when the maker named a successor in advance,
    /// and the successor's threshold attests a silence as long as the maker asked for.
    /// </summary>
    /// <param name="keptTimestamp">The timestamp of the maker that this client holds; null where it has none.</param>
    /// <param name="servedTimestamp">The timestamp that is being served now; null where there is none.</param>
    public Verdict TakeOver(
        ReadOnlyMemory<byte> statementBytes, ReadOnlyMemory<byte> newRoot, ReadOnlyMemory<byte>? keptTimestamp, ReadOnlyMemory<byte>? servedTimestamp,
        out Takeover? takeover)
    {
        takeover = null;
        if (Root.Succession is not { } terms) return Refuse("The maker named no successor.");
        if (TryReadStatement(statementBytes, out var statement) is { } bad) return bad;

        var silence = CheckSilence(statement!, terms, out var signers);
        var refusal = CheckStatement(statement!, newRoot, terms)
            ?? silence
            ?? CheckMakerIsGone(statement!, keptTimestamp)
            ?? CheckMakerIsGone(statement!, servedTimestamp);
        if (refusal is not null) return refusal;

        refusal = TryDecode(newRoot, "root", _limits, _limits.RootBytes, f => new Root(f, _limits), out var next)
            ?? Verify(next!, next!.Roles["root"], "successor's root (by its own keys)");
        if (refusal is not null) return refusal;
        if (next!.Version != Root.Version + 1) return Refuse($"The successor's root is version {next.Version}; version {Root.Version + 1} must follow.");

        var retired = new HashSet<string>(RetiredKeys, StringComparer.Ordinal);
        foreach (var role in new[] { "timestamp", "snapshot" }) retired.UnionWith(Root.Roles[role].Keys.Values.Select(k => k.Identity));
        if (NamesRetired(next, retired)) return Refuse("The successor's root still names an online key of the maker.");

        takeover = new Takeover(Root.Version, statement!.Declared, signers);
        RetiredKeys = retired;
        Root = next;
        return Verdict.Trusted;
    }

    /// <summary>Goes on from a takeover that an earlier update saw.</summary>
    public void Resume(IEnumerable<string> retiredKeys) => RetiredKeys = new HashSet<string>(retiredKeys, StringComparer.Ordinal);

    private Refusal? CheckStatement(TakeoverStatement statement, ReadOnlyMemory<byte> newRoot, Succession terms)
    {
        if (statement.MakerRoot != Hash(Root.File.Bytes)) return Refuse("The takeover was declared under another root of the maker.");
        if (statement.NewRoot != Hash(newRoot)) return Refuse("The takeover names another root than the one that is served.");
        if (statement.Declared > _start + ClockTolerance) return Refuse("The takeover is dated in the future.");

        return _start < statement.Declared + terms.Notice
            ? Refuse($"The maker may still object until {statement.Declared + terms.Notice:yyyy-MM-dd}.")
            : null;
    }

    /// <summary>Only a party that says itself that it saw nothing for long enough counts.</summary>
    private static Refusal? CheckSilence(TakeoverStatement statement, Succession terms, out IReadOnlyList<string> signers)
    {
        var silent = statement.LastSeen.Where(s => statement.Declared - s.Value.At >= terms.Silence).Select(s => s.Key).ToHashSet(StringComparer.Ordinal);
        var counted = RoleKeys.Of(terms.Keys.KeyIds.Where(silent.Contains).ToList(), terms.Keys.Keys, terms.Keys.Threshold);
        return counted.Verify(statement.File, "takeover", out signers) is null
            ? null
            : Refuse($"Fewer than {terms.Keys.Threshold} of the successor's parties attest {terms.Silence.TotalDays:0} days of silence.");
    }

    /// <summary>A timestamp of the maker that is newer than what every party saw shows that the maker was not silent.</summary>
    private Refusal? CheckMakerIsGone(TakeoverStatement statement, ReadOnlyMemory<byte>? bytes)
    {
        if (bytes is null) return null;
        if (TryDecode(bytes.Value, "timestamp", _limits, _limits.TimestampBytes, f => new Timestamp(f, _limits), out var timestamp) is not null) return null;
        if (Verify(timestamp!, Root.Roles["timestamp"], "timestamp") is not null) return null;

        var newestSeen = statement.LastSeen.Values.Max(s => s.TimestampVersion);
        return timestamp!.Version > newestSeen ? Refuse($"The maker has signed timestamp version {timestamp.Version} since the silence that the takeover claims.") : null;
    }

    private Refusal? TryReadStatement(ReadOnlyMemory<byte> bytes, out TakeoverStatement? statement)
    {
        statement = null;
        if (bytes.Length > _limits.RootBytes) return new Refusal(TrustReason.TooLarge, $"The takeover is larger than {_limits.RootBytes} bytes.");
        if (SignedFile.TryRead(bytes, "takeover", _limits, out var file) is { } refusal) return refusal;

        try
        {
            statement = new TakeoverStatement(file, _limits);
            return null;
        }
        catch (Exception bad) when (bad is WrongTypeException or System.Text.Json.JsonException or InvalidOperationException or FormatException)
        {
            return new Refusal(TrustReason.Malformed, $"The takeover is not what docs/takeover.md describes: {bad.Message}");
        }
    }

    private static bool NamesRetired(Root root, IReadOnlySet<string> retired) =>
        retired.Count > 0 && root.Roles.Values.Any(role => role.Keys.Values.Any(key => retired.Contains(key.Identity)));

    private static string Hash(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes.Span));

    private static Refusal Refuse(string sentence) => new(TrustReason.Takeover, sentence);
}
