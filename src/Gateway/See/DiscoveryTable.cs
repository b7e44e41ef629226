using System.Collections.Immutable;
using System.Reflection;
using Gatehouse.Home;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>
/// Which maker's devices announce themselves how, as Home Assistant's contributors found out. Built in; where it comes from and its licence are in
/// <c>packs/home-assistant/README.md</c>.
/// </summary>
internal sealed class DiscoveryTable
{
    private const string MacSource = "MAC";
    private readonly ImmutableArray<Rule> _rules;

    private DiscoveryTable(ImmutableArray<Rule> rules) => _rules = rules;

    public static DiscoveryTable BuiltIn { get; } = Open();

    /// <summary>The likeliest maker, or null.</summary>
    public Claim? Find(MacAddress mac, EvidenceSet evidence) =>
        _rules.Select(rule => rule.Match(mac, evidence)).OfType<Claim>().MaxBy(claim => claim.Confidence);

    /// <summary>True when the text fits the pattern, in which <c>*</c> stands for anything and <c>[abc]</c> for one of these; case does not matter.</summary>
    internal static bool Fits(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        while (!pattern.IsEmpty)
        {
            if (pattern[0] == '*') return FitsAnywhere(pattern[1..], text);
            if (text.IsEmpty || !TryOne(ref pattern, text[0])) return false;
            text = text[1..];
        }

        return text.IsEmpty;
    }

    // Patterns are ours and have at most two stars, so trying every place is cheap.
    private static bool FitsAnywhere(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        for (var at = 0; at <= text.Length; at++)
        {
            if (Fits(pattern, text[at..])) return true;
        }

        return false;
    }

    private static bool TryOne(ref ReadOnlySpan<char> pattern, char letter)
    {
        var end = pattern[0] == '[' ? pattern.IndexOf(']') : -1;
        var choices = end > 0 ? pattern[1..end] : pattern[..1];
        pattern = pattern[(end > 0 ? end + 1 : 1)..];
        foreach (var choice in choices)
        {
            if (char.ToLowerInvariant(choice) == char.ToLowerInvariant(letter)) return true;
        }

        return false;
    }

    private static DiscoveryTable Open()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("discovery.txt")
            ?? throw new InvalidOperationException("The program was built without packs/home-assistant/discovery.txt.");
        using var reader = new StreamReader(stream);
        var rules = ImmutableArray.CreateBuilder<Rule>();
        while (reader.ReadLine() is { } line)
        {
            if (line.Split('\t') is [var vendor, .. { Length: > 0 } conditions]) rules.Add(new(vendor, [.. conditions.Select(Condition.Parse)]));
        }

        return new(rules.ToImmutable());
    }

    private sealed record Rule(string Vendor, ImmutableArray<Condition> Conditions)
    {
        // A prefix alone is as weak here as anywhere.
        private double Weight => Conditions switch { [{ Source: null }] => 0.45, [_] => 0.6, _ => 0.7 };

        public Claim? Match(MacAddress mac, EvidenceSet evidence)
        {
            var found = ImmutableArray.CreateBuilder<Evidence>(Conditions.Length);
            foreach (var condition in Conditions)
            {
                if (condition.Match(mac, evidence) is not { } sign) return null;
                found.Add(sign);
            }

            return new(Vendor, Weight, found.ToImmutable());
        }
    }

    private sealed record Condition(EvidenceSource? Source, string Pattern)
    {
        public static Condition Parse(string text)
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            var source = text[..equals];
            if (source == MacSource) return new(null, text[(equals + 1)..]);
            return EvidenceSource.TryParse(source, out var parsed) ? new(parsed, text[(equals + 1)..])
                : throw new InvalidOperationException($"packs/home-assistant/discovery.txt: '{source}' is no source.");
        }

        public Evidence? Match(MacAddress mac, EvidenceSet evidence)
        {
            if (Source is not { } source)
            {
                var digits = mac.ToString().Replace(":", "", StringComparison.Ordinal);
                return !mac.IsLocallyAdministered && Fits(Pattern, digits) ? new(EvidenceSource.Oui, mac.ToString()[..8]) : null;
            }

            return evidence.At(source).FirstOrDefault(text => Fits(Pattern, text)) is { } fitting ? new(source.ToString(), EvidenceText.Shown(fitting)) : null;
        }
    }
}
