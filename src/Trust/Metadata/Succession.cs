using System.Security.Cryptography;
using System.Text.Json;
using Gatehouse.Trust.Keys;

namespace Gatehouse.Trust.Metadata;

/// <summary>What a maker lays down in its root, in advance, for the day it is gone (docs/takeover.md): who may follow, and after how long a silence.</summary>
internal sealed record Succession(RoleKeys Keys, TimeSpan Silence, TimeSpan Notice)
{
    public const string Role = "successor";

    /// <summary>Shorter would make a holiday look like a death.</summary>
    public const int FewestSilentDays = 30;

    /// <summary>Null where the maker named no successor.</summary>
    public static Succession? Parse(JsonElement root, IReadOnlyDictionary<string, RoleKeys> roles)
    {
        if (!roles.TryGetValue(Role, out var keys) || !root.TryGetProperty(Role, out var terms)) return null;

        var silence = terms.GetRequired("silence-days").GetInteger("silence-days", atLeast: FewestSilentDays);
        var notice = terms.TryGetProperty("notice-days", out var days) ? days.GetInteger("notice-days", atLeast: 0) : 0;
        return new Succession(keys, Days(silence), Days(notice));
    }

    private static TimeSpan Days(long days) => TimeSpan.FromDays(Math.Min(days, 36_500));
}

/// <summary>The successor's parties say, each for itself, what they last saw of the maker and when, and which root follows.</summary>
internal sealed class TakeoverStatement
{
    public TakeoverStatement(SignedFile file, TrustLimits limits)
    {
        File = file;
        using var signed = file.ParseSigned(limits);
        var content = signed.RootElement;
        if (content.GetRequired("_type").GetText() != "takeover") throw new WrongTypeException();

        MakerRoot = Hash(content.GetRequired("maker-root"));
        NewRoot = Hash(content.GetRequired("new-root"));
        Declared = content.GetRequired("declared").GetDate();
        var seen = new Dictionary<string, Sight>(StringComparer.Ordinal);
        foreach (var entry in content.GetRequired("last-seen").GetMembers())
        {
            seen[entry.Name] = new Sight(
                entry.Value.GetRequired("timestamp-version").GetInteger("timestamp-version", atLeast: 0), entry.Value.GetRequired("at").GetDate());
        }

        LastSeen = seen;
    }

    public SignedFile File { get; }

    /// <summary>SHA-256 of the maker's root that names the successor. Binds the statement to that maker and to those terms.</summary>
    public string MakerRoot { get; }

    /// <summary>SHA-256 of the root that follows.</summary>
    public string NewRoot { get; }

    public DateTimeOffset Declared { get; }

    /// <summary>By key id: what that party last saw of the maker.</summary>
    public IReadOnlyDictionary<string, Sight> LastSeen { get; }

    private static string Hash(JsonElement file)
    {
        var text = file.GetRequired("sha256").GetText();
        return text.Length == 2 * SHA256.HashSizeInBytes ? text : throw new JsonException("a hash has the wrong length");
    }

    /// <summary>The newest timestamp of the maker that a party saw, and when it last saw one at all.</summary>
    public sealed record Sight(long TimestampVersion, DateTimeOffset At);
}
