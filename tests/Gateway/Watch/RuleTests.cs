using System.Text.RegularExpressions;
using Gatehouse.Home;
using Gatehouse.Tests.Gateway.Architecture;
using Gatehouse.Watch;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Watch;

/// <summary>The table of rules, its pages, and what a finding leads to.</summary>
public sealed class RuleTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(56);
    private static readonly MacAddress Mac = MacAddress.Parse("02:00:00:00:00:02");

    [Fact]
    public void Every_rule_is_at_its_id_and_has_a_page_that_the_list_names()
    {
        var pages = Path.GetDirectoryName(Sources.Files("README.md").Single(path => path.EndsWith("docs/rules/README.md", StringComparison.Ordinal)))!;
        var listed = Regex.Matches(File.ReadAllText(Path.Combine(pages, "README.md")), @"\| \[(?<name>[a-z0-9.]+)\]").Select(match => match.Groups["name"].Value);

        Assert.Equal(Rule.All.Select(rule => rule.Name), listed);
        Assert.All(Rule.All, rule => Assert.Equal(rule, Rule.Of(rule.Id)));
        Assert.All(Rule.All, rule => Assert.True(File.Exists(Path.Combine(pages, rule.Name + ".md")), rule.Name));
        Assert.Equal(Enum.GetValues<RuleId>().Length, Rule.All.Length);
    }

    public static TheoryData<string, DeviceClass, Restraint, Certainty, bool, Restraint?> Reactions => new()
    {
        // why, class, restraint before, certainty, ended, restraint set
        { "a suspected Thing is throttled", DeviceClass.Thing, Restraint.None, Certainty.Suspected, false, Restraint.Throttled },
        { "a certain one is cut off", DeviceClass.Thing, Restraint.None, Certainty.Certain, false, Restraint.CutOff },
        { "throttling gives way to the cut", DeviceClass.Thing, Restraint.Throttled, Certainty.Certain, false, Restraint.CutOff },
        { "a cut is never softened", DeviceClass.Thing, Restraint.CutOff, Certainty.Suspected, false, null },
        { "nothing is done twice", DeviceClass.Thing, Restraint.Throttled, Certainty.Suspected, false, null },
        { "a computer is only shown", DeviceClass.Computer, Restraint.None, Certainty.Certain, false, null },
        { "a router is slowed, not cut off", DeviceClass.Router, Restraint.None, Certainty.Certain, false, Restraint.Throttled },
        { "a throttled Thing is let in when it is quiet", DeviceClass.Thing, Restraint.Throttled, Certainty.Suspected, true, Restraint.None },
        { "a cut ends by the owner or the cure only", DeviceClass.Thing, Restraint.CutOff, Certainty.Certain, true, null },
    };

    [Theory, MemberData(nameof(Reactions))]
    public void A_finding_leads_to_a_restraint(string why, DeviceClass deviceClass, Restraint before, Certainty certainty, bool hasEnded, Restraint? expected)
    {
        var finding = FindingOf(1, certainty, hasEnded);
        var state = StateWith(deviceClass, before, finding);

        Assert.True(Reaction.To(state, finding, Now)?.Restraint == expected, why);
    }

    [Fact]
    public void A_throttled_Thing_with_another_open_finding_stays_throttled()
    {
        var ended = FindingOf(1, Certainty.Suspected, hasEnded: true);
        var state = StateWith(DeviceClass.Thing, Restraint.Throttled, ended, FindingOf(2, Certainty.Suspected, hasEnded: false));

        Assert.Null(Reaction.To(state, ended, Now));
    }

    [Fact]
    public void While_the_gateway_only_watches_nobody_is_restrained()
    {
        var finding = FindingOf(1, Certainty.Certain, hasEnded: false);

        Assert.Null(Reaction.To(StateWith(DeviceClass.Thing, Restraint.None, finding) with { Mode = GuardMode.Watching }, finding, Now));
    }

    private static HomeState StateWith(DeviceClass deviceClass, Restraint restraint, params Finding[] findings)
    {
        var thing = new Thing { Mac = Mac, FirstSeen = Now, LastSeen = Now, Class = deviceClass, Restraint = restraint };
        return HomeState.Empty with
        {
            Things = HomeState.Empty.Things.Add(Mac, thing),
            Findings = HomeState.Empty.Findings.AddRange(findings.Select(finding => KeyValuePair.Create(finding.Id, finding))),
        };
    }

    private static Finding FindingOf(long id, Certainty certainty, bool hasEnded) => new()
    {
        Id = id, Thing = Mac, Rule = $"scan.{id}", Kind = FindingKind.Scan, Certainty = certainty, Started = Now, Updated = Now, Ended = hasEnded ? Now : null,
        Evidence = [], Sentence = "It scanned.",
    };
}
