using System.Collections.Immutable;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>What an HTTP head tells of who sent it.</summary>
internal static class HttpGreeting
{
    /// <summary>A browser asking for a page itself, not a program for data: its name, and that it wants a page, in the reader's languages.</summary>
    public const string Browser = "browser";

    public static ImmutableArray<Observation> Of(HttpHead head) => head.IsResponse ? OfResponse(head) : OfRequest(head.Headers);

    public static ImmutableArray<Observation> OfRequest(ImmutableArray<KeyValuePair<string, string>> headers)
    {
        var seen = ImmutableArray.CreateBuilder<Observation>();
        if (Value(headers, "User-Agent") is { } agent) seen.Add(Sighting.Observe(EvidenceSource.HttpUserAgent, agent));
        if (Value(headers, "Host") is { } host) seen.Add(Sighting.Observe(EvidenceSource.HttpHost, host));
        if (IsBrowser(headers)) seen.Add(Sighting.Observe(EvidenceSource.HttpGreeting, Browser));
        return seen.ToImmutable();
    }

    public static ImmutableArray<Observation> OfResponse(HttpHead head)
    {
        var seen = ImmutableArray.CreateBuilder<Observation>();
        if (head["Server"] is { Length: > 0 } server) seen.Add(Sighting.Observe(EvidenceSource.HttpServer, server));
        if (head["WWW-Authenticate"] is { } challenge && Realm(challenge) is { } realm) seen.Add(Sighting.Observe(EvidenceSource.HttpRealm, realm));
        return seen.ToImmutable();
    }

    // Browsers name themselves Mozilla (RFC 9110, 10.1.5 tells the history), ask for HTML and say the reader's languages. A program that fetches
    // data does one of these at most, unless it copies a browser on purpose; that alone never lets a device out.
    private static bool IsBrowser(ImmutableArray<KeyValuePair<string, string>> headers) =>
        Value(headers, "User-Agent")?.StartsWith("Mozilla/5.0 (", StringComparison.Ordinal) == true
        && Value(headers, "Accept")?.Contains("text/html", StringComparison.OrdinalIgnoreCase) == true
        && Value(headers, "Accept-Language") is { Length: > 0 };

    private static string? Realm(string challenge)
    {
        const string Name = "realm=\"";
        var start = challenge.IndexOf(Name, StringComparison.OrdinalIgnoreCase);
        if (start < 0) return null;
        var rest = challenge[(start + Name.Length)..];
        var end = rest.IndexOf('"', StringComparison.Ordinal);
        return end > 0 ? rest[..end] : null;
    }

    private static string? Value(ImmutableArray<KeyValuePair<string, string>> headers, string name)
    {
        foreach (var (header, value) in headers)
        {
            if (header.Equals(name, StringComparison.OrdinalIgnoreCase)) return value;
        }

        return null;
    }
}
