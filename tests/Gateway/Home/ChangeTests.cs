using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Gatehouse.Home;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Home;

public sealed class ChangeTests
{
    private static readonly MacAddress Plug = MacAddress.Parse("02:00:00:00:00:01");
    private static readonly MacAddress Lamp = MacAddress.Parse("02:00:00:00:00:02");
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddYears(50);

    /// <summary>One of each kind, in an order in which each has something to change.</summary>
    public static TheoryData<string, Change> EveryKind => new()
    {
        { "thing.seen", new ThingSeen(Lamp, IPAddress.Loopback, "lamp\n<b>") { At = Start } },
        { "thing.identified", new ThingIdentified(Plug, new Identity { Vendor = new Claim("Anvil", 0.9, [new Evidence("OUI", "Anvil Inc")]) }, DeviceClass.Thing) { At = Start } },
        { "thing.named", new ThingNamed(Plug, "Kettle") { At = Start } },
        { "thing.class-chosen", new ClassChosen(Plug, DeviceClass.Computer) { At = Start } },
        { "thing.restrained", new RestraintSet(Plug, Restraint.CutOff, "It floods.") { At = Start } },
        { "question.asked", new QuestionAsked(Plug, QuestionKind.Reach, "other.example", Permission.UsualPorts, "") { At = Start } },
        { "question.answered", new QuestionAnswered(1, Answer.Yes) { At = Start } },
        { "permission.granted", new PermissionGranted(Plug, "a.example", null, Permission.UsualPorts, PermissionOrigin.Owner) { At = Start } },
        { "permission.revoked", new PermissionRevoked(2) { At = Start } },
        { "forward.found", new PortForwardFound(TransportProtocol.Tcp, 2323, "192.0.2.9", 23, null) { At = Start } },
        { "forward.set", new PortForwardSet(3, false) { At = Start } },
        { "finding.opened", new FindingOpened(Plug, "scan.telnet", FindingKind.Scan, Certainty.Suspected, "It knocks at strangers' doors.", [new EvidenceItem("addresses", "40")]) { At = Start } },
        { "finding.updated", new FindingUpdated(4, Certainty.Certain, "It goes on.", []) { At = Start } },
        { "finding.ended", new FindingEnded(4) { At = Start } },
        { "offer.made", new OfferMade(Plug, "anvil", "plug.bin", "2.0", "ab", true, ["CVE-2016-1"]) { At = Start } },
        { "offer.refused", new OfferRefused(5, "It was tampered with.") { At = Start } },
        { "update.begun", new UpdateBegun(5, "1.0", "you") { At = Start } },
        { "update.stepped", new UpdateStepped(7, UpdateState.Fetching, "", ImmutableDictionary<string, string>.Empty.Add("image", "x")) { At = Start } },
        { "gateway.mode", new ModeSet(GuardMode.Watching) { At = Start } },
        { "gateway.panic", new PanicSet(Start.AddMinutes(10)) { At = Start } },
        { "note", new Noted("password.rotated", Plug, "It has a password of its own now.") { At = Start } },
    };

    [Theory, MemberData(nameof(EveryKind))]
    public void Every_kind_of_change_changes_something_says_so_and_survives_json(string kind, Change change)
    {
        var json = JsonSerializer.Serialize(change, HomeJson.Default.Change);
        var read = JsonSerializer.Deserialize(json, HomeJson.Default.Change)!;

        Assert.Contains($"\"$type\":\"{kind}\"", json, StringComparison.Ordinal);
        Assert.Equal(json, JsonSerializer.Serialize(read, HomeJson.Default.Change));
        Assert.True(change is Noted || !ReferenceEquals(Sample, change.Apply(Sample)), "it changed nothing");
        Assert.EndsWith(".", change.Describe(Sample), StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_above_has_every_kind_there_is()
    {
        var kinds = typeof(Change).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Change)));

        Assert.Equal(kinds.Count(), EveryKind.Count);
    }

    [Fact]
    public void A_yes_grants_exactly_what_was_asked_and_a_later_no_takes_it_back()
    {
        var yes = new QuestionAnswered(1, Answer.Yes) { At = Start }.Apply(Sample);

        var permission = Assert.Single(yes.Permissions.Values, item => item.Name == "cloud.example");
        Assert.Equal((Plug, PermissionOrigin.Owner), (permission.Thing, permission.Origin));
        Assert.Equal([new TransportPort(TransportProtocol.Tcp, 8883)], permission.Ports);

        var no = new QuestionAnswered(1, Answer.No) { At = Start }.Apply(yes);
        Assert.DoesNotContain(no.Permissions.Values, item => item.Name == "cloud.example");
    }

    [Fact]
    public void A_name_is_asked_about_once()
    {
        var again = new QuestionAsked(Plug, QuestionKind.Reach, "cloud.example", Permission.UsualPorts, "") { At = Start.AddDays(1) }.Apply(Sample);

        Assert.Same(Sample, again);
    }

    [Fact]
    public void What_was_asked_about_a_computer_before_it_was_known_waits_no_longer()
    {
        var judged = new ThingIdentified(Plug, Identity.Unknown, DeviceClass.Computer) { At = Start }.Apply(Sample);

        Assert.DoesNotContain(judged.OpenQuestions, question => question.Thing == Plug);
        Assert.Equal(Sample.OpenQuestions.Where(question => question.Thing != Plug), judged.OpenQuestions);
    }

    [Fact]
    public void One_hostile_Thing_cannot_bury_the_others_questions()
    {
        var state = Sample;
        for (var i = 0; i < 500; i++) state = new QuestionAsked(Lamp, QuestionKind.Reach, $"n{i}.example", [], "") { At = Start }.Apply(state);

        Assert.Equal(QuestionAsked.MaxOpenPerThing, state.OpenQuestions.Count(question => question.Thing == Lamp));
        Assert.Single(state.OpenQuestions, question => question.Thing == Plug);
    }

    [Fact]
    public void The_owners_word_on_what_a_device_is_wins_over_later_evidence()
    {
        var chosen = new ClassChosen(Plug, DeviceClass.Thing) { At = Start }.Apply(Sample);

        var judged = new ThingIdentified(Plug, Identity.Unknown, DeviceClass.Computer) { At = Start }.Apply(chosen);

        Assert.Equal(DeviceClass.Thing, judged.Things[Plug].Class);
    }

    [Fact]
    public void Certainty_never_falls_while_a_finding_lasts_and_a_second_one_of_the_same_rule_updates_it()
    {
        var certain = new FindingUpdated(4, Certainty.Certain, "Sure.", []) { At = Start }.Apply(Sample);

        var again = new FindingOpened(Plug, "scan.ssh", FindingKind.Scan, Certainty.Suspected, "Less sure.", []) { At = Start }.Apply(certain);

        Assert.Equal(Certainty.Certain, Assert.Single(again.Findings.Values).Certainty);
    }

    [Fact]
    public void At_most_one_update_of_a_Thing_is_under_way()
    {
        var begun = new UpdateBegun(5, "1.0", "you") { At = Start }.Apply(Sample);
        var other = new OfferMade(Plug, "anvil", "plug-3.bin", "3.0", "cd", false, []) { At = Start }.Apply(begun);

        Assert.Same(other, new UpdateBegun(other.OfferFor(Plug)!.Id, "1.0", "you") { At = Start }.Apply(other));
    }

    [Fact]
    public void An_update_that_has_ended_is_not_stepped_again()
    {
        var begun = new UpdateBegun(5, "1.0", "you") { At = Start }.Apply(Sample);
        var job = begun.UpdateUnderWay(Plug)!;
        var done = new UpdateStepped(job.Id, UpdateState.Done, "", ImmutableDictionary<string, string>.Empty) { At = Start }.Apply(begun);

        Assert.Same(done, new UpdateStepped(job.Id, UpdateState.Installing, "", ImmutableDictionary<string, string>.Empty) { At = Start }.Apply(done));
    }

    [Fact]
    public void Two_devices_never_hold_one_address()
    {
        var first = new ThingSeen(Plug, IPAddress.Parse("192.0.2.5"), null) { At = Start }.Apply(Sample);

        var second = new ThingSeen(Lamp, IPAddress.Parse("192.0.2.5"), null) { At = Start }.Apply(first);

        Assert.Null(second.Things[Plug].Address);
        Assert.Equal(IPAddress.Parse("192.0.2.5"), second.Things[Lamp].Address);
    }

    [Fact]
    public void A_device_that_shows_ever_new_addresses_is_forgotten_before_what_the_owner_decided()
    {
        var state = Sample;
        for (ulong i = 0; i < 3000; i++) state = HomeLimits.Trim(new ThingSeen(new MacAddress(0x06_0000_0000 + i), null, null) { At = Start.AddSeconds(i) }.Apply(state));

        Assert.Equal(HomeLimits.MaxThings, state.Things.Count);
        Assert.Contains(Plug, state.Things.Keys);
    }

    /// <summary>A plug with a question (1), a permission (2), a port forward (3), a finding (4), an offer (5); a lamp with an offer (6) and its update under way (7).</summary>
    private static HomeState Sample { get; } = new[]
    {
        (Change)new ThingSeen(Plug, IPAddress.Parse("192.0.2.4"), "plug") { At = Start },
        new QuestionAsked(Plug, QuestionKind.Reach, "cloud.example", [new TransportPort(TransportProtocol.Tcp, 8883)], "") { At = Start },
        new PermissionGranted(Plug, "time.example", null, Permission.UsualPorts, PermissionOrigin.Owner) { At = Start },
        new PortForwardFound(TransportProtocol.Tcp, 23, "192.0.2.4", 23, Plug) { At = Start },
        new FindingOpened(Plug, "scan.ssh", FindingKind.Scan, Certainty.Suspected, "It knocks.", []) { At = Start },
        new OfferMade(Plug, "anvil", "plug-2.bin", "2.0", "aa", true, []) { At = Start },
        new ThingSeen(Lamp, null, null) { At = Start },
        new OfferMade(Lamp, "anvil", "lamp-2.bin", "2.0", "ab", true, []) { At = Start },
        new UpdateBegun(6, "1.0", "you") { At = Start },
    }.Aggregate(HomeState.Empty, (state, change) => change.Apply(state));
}
