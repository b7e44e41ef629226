using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Gatehouse.Packs;

/// <summary>How a rule compares its text with what was read.</summary>
public enum TextTest
{
    /// <summary>The same, without regard to the case of ASCII letters.</summary>
    Is,

    /// <summary>Occurs in it, without regard to case.</summary>
    Contains,

    /// <summary>It begins so, without regard to case.</summary>
    StartsWith,

    /// <summary>A regular expression. Its groups <c>version</c> and <c>model</c> become claims.</summary>
    Matches,
}

/// <summary>One sign by which a family is recognised.</summary>
/// <remarks>
/// Expressions run on text that a device chose, so they run on the engine whose time is linear in the text
/// (<see cref="RegexOptions.NonBacktracking"/>); look-around and back references, which it cannot do, are faults of the pack.
/// </remarks>
public sealed partial record RecogniseRule
{
    /// <summary>What all counted repetitions of an expression may multiply to. The engine builds each out, so <c>((a{1000}){1000}){1000}</c> would be a thousand million parts.</summary>
    public const int MaxRepetitions = 1000;

    private readonly Regex? _expression;

    private RecogniseRule(EvidenceSource source, TextTest test, string text, double weight, Regex? expression) =>
        (Source, Test, Text, Weight, _expression) = (source, test, text, weight, expression);

    public EvidenceSource Source { get; }
    public TextTest Test { get; }
    public string Text { get; }

    /// <summary>How sure this sign alone makes one, above 0 and at most 1. A sign anybody may share (a maker's prefix) is weak.</summary>
    public double Weight { get; }

    /// <summary>Makes a rule, or says what is wrong with its expression.</summary>
    public static bool TryMake(
        EvidenceSource source, TextTest test, string text, double weight, [NotNullWhen(true)] out RecogniseRule? rule, [NotNullWhen(false)] out string? fault)
    {
        (rule, fault) = (null, null);
        if (test == TextTest.Matches && Repetitions(text) > MaxRepetitions)
        {
            fault = $"the expression's counted repetitions multiply to more than {MaxRepetitions}";
            return false;
        }

        try
        {
            var expression = test != TextTest.Matches ? null
                : new Regex(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture);
            rule = new(source, test, text, weight, expression);
            return true;
        }
        catch (Exception bad) when (bad is ArgumentException or NotSupportedException)
        {
            fault = $"the expression cannot be used: {bad.Message}";
            return false;
        }
    }

    /// <summary>True when <paramref name="text"/>, read at <see cref="Source"/>, fits.</summary>
    /// <param name="captured">What the expression's groups <c>version</c> and <c>model</c> took out of it, where it has them.</param>
    public bool Fits(string text, out (string? Version, string? Model) captured)
    {
        captured = default;
        switch (Test)
        {
            case TextTest.Is: return string.Equals(text, Text, StringComparison.OrdinalIgnoreCase);
            case TextTest.Contains: return text.Contains(Text, StringComparison.OrdinalIgnoreCase);
            case TextTest.StartsWith: return text.StartsWith(Text, StringComparison.OrdinalIgnoreCase);
        }

        var match = _expression!.Match(text);
        captured = (Group(match, "version"), Group(match, "model"));
        return match.Success;
    }

    private static double Repetitions(string expression)
    {
        var product = 1.0;
        foreach (var count in Counted().EnumerateMatches(expression))
        {
            var numbers = expression.AsSpan(count.Index + 1, count.Length - 2);
            var largest = numbers[(numbers.IndexOf(',') + 1)..];
            product *= Math.Max(1, double.Parse(largest.IsEmpty ? numbers[..^1] : largest, CultureInfo.InvariantCulture));
        }

        return product;
    }

    [GeneratedRegex(@"\{[0-9]{1,9}(,[0-9]{0,9})?\}")]
    private static partial Regex Counted();

    private static string? Group(Match match, string name) => match.Groups[name] is { Success: true, Length: > 0 } group ? group.Value : null;
}
