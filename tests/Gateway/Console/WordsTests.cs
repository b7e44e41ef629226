using System.Net;
using Gatehouse.Console;
using Gatehouse.Home;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Console;

/// <summary>What a person reads for what is in the record.</summary>
public sealed class WordsTests
{
    private static readonly MacAddress Plug = MacAddress.Parse("02:00:00:00:00:01");
    private static readonly MacAddress Lamp = MacAddress.Parse("02:00:00:00:00:02");
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(50);

    private static readonly Change[] Flood =
    [
        new FindingOpened(Plug, "ddos.udp", FindingKind.Ddos, Certainty.Certain, "It floods.", []) { At = Now },
        new RestraintSet(Plug, Restraint.CutOff, "It floods.") { At = Now },
    ];

    private static readonly OfferMade Offer = new(Plug, "maker", "a.bin", "2.0", "aa", true, []) { At = Now };

    /// <summary>What the one button of an incident is, by what is known.</summary>
    public static TheoryData<string, Change[], string?> Cures => new()
    {
        { "nothing wrong", [], null },
        { "flooding, and no newer firmware", Flood, null },
        { "flooding, and an update", [.. Flood, Offer], "update" },
        { "quiet again, and no newer firmware", [.. Flood, new FindingEnded(1) { At = Now }], "release" },
        { "quiet again, and an update", [.. Flood, new FindingEnded(1) { At = Now }, Offer], "update" },
        { "slowed down only", [Flood[0], new RestraintSet(Plug, Restraint.Throttled, "It scans.") { At = Now }], "quarantine" },
        { "being updated", [.. Flood, Offer, new UpdateBegun(2, "1.0", "you") { At = Now }], null },
        { "let in again, and over", [.. Flood, new FindingEnded(1) { At = Now }, new RestraintSet(Plug, Restraint.None, "ok") { At = Now }], null },
    };

    [Theory, MemberData(nameof(Cures))]
    public void A_red_light_has_the_button_that_helps(string why, Change[] changes, string? action)
    {
        var state = After(changes);

        var cure = Cure.Of(state, state.Things[Plug]);

        Assert.True(cure.Action == action, why);
        Assert.Equal(action is null, cure.Button is null);
        Assert.NotEmpty(cure.Sentence);
    }

    [Fact]
    public void Findings_close_in_time_are_one_incident_and_named_by_the_worst()
    {
        var state = After(
            new FindingOpened(Plug, "old", FindingKind.Scan, Certainty.Certain, "Long ago.", []) { At = Now.AddDays(-2) },
            new FindingEnded(1) { At = Now.AddDays(-2).AddMinutes(1) },
            new FindingOpened(Plug, "scan.telnet", FindingKind.Scan, Certainty.Suspected, "It scans.", []) { At = Now },
            new FindingOpened(Plug, "ddos.udp", FindingKind.Ddos, Certainty.Certain, "It floods.", []) { At = Now.AddSeconds(20) });

        var incident = Assert.Single(Incident.All(state));

        Assert.Equal(["scan.telnet", "ddos.udp"], incident.Findings.Select(finding => finding.Rule));
        Assert.Equal("plug took part in an attack", incident.Title);
    }

    [Fact]
    public void The_home_page_says_the_most_pressing_thing()
    {
        (string, string) Headline(params Change[] changes)
        {
            var state = After(changes);
            var (tone, headline, _) = Words.Home(state, Incident.All(state), state.OpenQuestions.Count(), state.Things.Keys.Count(mac => state.OfferFor(mac) is not null), Now);
            return (tone, headline);
        }

        var question = new QuestionAsked(Plug, QuestionKind.Reach, "a.example", [], "") { At = Now };
        Assert.Equal(("good", "All is well"), Headline());
        Assert.Equal(("new", "An update is ready"), Headline(Offer));
        Assert.Equal(("ask", "One question for you"), Headline(Offer, question));
        Assert.Equal(("bad", "Something happened"), Headline([Offer, question, .. Flood]));
        Assert.Equal(("ask", "The fence is down"), Headline([.. Flood, new PanicSet(Now.AddMinutes(3)) { At = Now }]));
    }

    public static TheoryData<string, string[]> Named => new()
    {
        { "02:00:00:00:00:01", ["plug"] }, { "02-00-00-00-00-01", ["plug"] }, { "02:00:00:00:00:0", ["lamp", "plug"] }, { "PLUG", ["plug"] }, { "pl", ["plug"] },
        { "192.0.2.1", ["plug"] }, { "192.0.2", ["lamp", "plug"] }, { "nothing", [] }, { "", [] }, { "  ", [] },
    };

    [Theory, MemberData(nameof(Named))]
    public void A_Thing_is_found_by_what_a_person_types(string typed, string[] found) =>
        Assert.Equal(found, ThingLookup.Find(After(), typed).Select(thing => thing.DisplayName));

    [Theory]
    [InlineData("Cloud.Example.", true, "cloud.example")]
    [InlineData("*.example", true, "*.example")]
    [InlineData("a..example", false, "")]
    [InlineData("*", false, "")]
    [InlineData("a example", false, "")]
    [InlineData("a;nft flush ruleset", false, "")]
    [InlineData("-", true, "-")]
    [InlineData("", false, "")]
    [InlineData(null, false, "")]
    public void A_typed_name_is_a_DNS_name_or_refused(string? typed, bool accepted, string expected)
    {
        Assert.Equal(accepted, TypedName.TryNormalise(typed, out var name));
        if (accepted) Assert.Equal(expected, name);
    }

    private static HomeState After(params Change[] changes) => changes.Aggregate(
        new[] { (Plug, "192.0.2.1", "plug"), (Lamp, "192.0.2.2", "lamp") }.Aggregate(HomeState.Empty,
            (state, one) => new ThingSeen(one.Item1, IPAddress.Parse(one.Item2), one.Item3) { At = Now.AddDays(-3) }.Apply(state)),
        (state, change) => change.Apply(state));
}
