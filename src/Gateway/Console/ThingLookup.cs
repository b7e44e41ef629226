using System.Collections.Immutable;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Console;

/// <summary>Finds the Thing a person means: by MAC address, IP address, name, or the beginning of one of them that fits one Thing only.</summary>
internal static class ThingLookup
{
    /// <summary>The Things that fit, best kind of match first: one is an answer, none or several are not.</summary>
    public static ImmutableArray<Thing> Find(HomeState state, string text)
    {
        text = text.Trim();
        if (text.Length == 0) return [];
        if (MacAddress.TryParse(text, out var mac)) return state.Find(mac) is { } thing ? [thing] : [];

        var whole = Matching(state, label => label.Equals(text, StringComparison.OrdinalIgnoreCase));
        return whole.Length > 0 ? whole : Matching(state, label => label.StartsWith(text, StringComparison.OrdinalIgnoreCase));
    }

    private static ImmutableArray<Thing> Matching(HomeState state, Func<string, bool> fits) =>
        [.. state.Things.Values.Where(thing => Labels(thing).Any(fits)).OrderBy(thing => thing.DisplayName, StringComparer.OrdinalIgnoreCase)];

    private static IEnumerable<string> Labels(Thing thing) =>
        new[] { thing.OwnerName, thing.DisplayName, thing.HostName, thing.Mac.ToString(), thing.Address?.ToString() }.OfType<string>();
}
