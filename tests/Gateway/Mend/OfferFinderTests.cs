using System.Text;
using System.Text.Json;
using Gatehouse.Home;
using Gatehouse.Mend;
using Gatehouse.Tests.Gateway.Mend.Simulation;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

public sealed class OfferFinderTests
{
    /// <summary>Why, the release's model, version, hardware, oldest version, and if it is offered to a Thing that runs 1.0.0.</summary>
    public static TheoryData<string, string, string, string?, string?, bool> Releases => new()
    {
        { "a newer one", "anvil-model", "1.1.0", null, null, true },
        { "the one it runs", "anvil-model", "1.0.0", null, null, false },
        { "an older one", "anvil-model", "0.9.9", null, null, false },
        { "another model", "anvil-other", "1.1.0", null, null, false },
        { "its own hardware is not known", "anvil-model", "1.1.0", "2.0", null, false },
        { "it needs a later one first", "anvil-model", "1.1.0", null, "1.0.5", false },
        { "over what it runs", "anvil-model", "1.1.0", null, "1.0.0", true },
    };

    [Theory, MemberData(nameof(Releases))]
    public async Task A_release_is_offered_where_it_fits(string why, string model, string version, string? hardware, string? from, bool isOffered)
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync();
        world.Repository.Add("release", world.Thing.Image(version + "-x"), model, version, hardware: hardware, from: from);

        await world.Finder.PollAsync(CancellationToken.None);

        Assert.True((world.Record.Current.OfferFor(MendWorld.Mac)?.Version == version) == isOffered, why);
    }

    [Fact]
    public async Task The_newest_is_offered_once_and_the_one_before_when_it_was_refused()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync();
        world.Repository.Add("a", world.Thing.Image("1.1.0"), "anvil-model", "1.1.0");
        world.Repository.Add("b", world.Thing.Image("1.2.0"), "anvil-model", "1.2.0");

        for (var i = 0; i < 3; i++) await world.Finder.PollAsync(CancellationToken.None);
        var offer = Assert.Single(world.Record.Current.Offers.Values);
        Assert.Equal("1.2.0", offer.Version);

        await world.Record.ApplyAsync(new OfferRefused(offer.Id, "It was tried.") { At = world.Clock.Now }, CancellationToken.None);
        await world.Finder.PollAsync(CancellationToken.None);

        Assert.Equal("1.1.0", world.Record.Current.OfferFor(MendWorld.Mac)?.Version);
    }

    [Fact]
    public async Task The_same_image_under_another_name_is_not_offered_again()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync();
        await world.OfferAsync("1.1.0");
        await world.Record.ApplyAsync(new OfferRefused(world.Record.Current.OfferFor(MendWorld.Mac)!.Id, "It was tried.") { At = world.Clock.Now }, CancellationToken.None);

        world.Repository.Add("renamed", world.Thing.Image("1.1.0"), "anvil-model", "1.1.1");
        await world.Finder.PollAsync(CancellationToken.None);

        Assert.Null(world.Record.Current.OfferFor(MendWorld.Mac));
    }

    [Fact]
    public async Task An_offer_goes_when_the_Thing_runs_it_already()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync();
        await world.OfferAsync("1.1.0");
        var identity = world.Known.Identity with { Firmware = new Claim("1.1.0", 1, []) };
        await world.Record.ApplyAsync(new ThingIdentified(MendWorld.Mac, identity, DeviceClass.Thing) { At = world.Clock.Now }, CancellationToken.None);

        await world.Finder.PollAsync(CancellationToken.None);

        Assert.Null(world.Record.Current.OfferFor(MendWorld.Mac));
    }

    [Fact]
    public async Task A_Thing_whose_version_nobody_has_seen_is_asked_itself()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync(firmware: null);

        await world.OfferAsync("1.1.0");

        Assert.Equal("1.1.0", world.Record.Current.OfferFor(MendWorld.Mac)?.Version);
    }

    [Fact]
    public async Task A_Thing_is_asked_once_a_minute_however_often_repositories_are_polled()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync(firmware: null);

        for (var i = 0; i < 5; i++) await world.Finder.PollAsync(CancellationToken.None);
        Assert.Equal(1, world.Thing.Connections);

        world.Clock.Advance(OfferFinder.AskInterval);
        await world.Finder.PollAsync(CancellationToken.None);
        Assert.Equal(2, world.Thing.Connections);
    }

    [Fact]
    public async Task A_repository_that_cannot_be_trusted_offers_nothing_and_is_journalled_once()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync();
        world.Repository.Add("a", world.Thing.Image("1.1.0"), "anvil-model", "1.1.0");
        world.Repository.Tamper = (name, bytes) => name.EndsWith("targets.json", StringComparison.Ordinal)
            ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes!).Replace("1.1.0", "6.6.6", StringComparison.Ordinal)) : bytes;

        for (var i = 0; i < 3; i++) await world.Finder.PollAsync(CancellationToken.None);

        Assert.Empty(world.Record.Current.Offers);
        var lines = await world.Record.JournalAsync(null, long.MaxValue, 100, CancellationToken.None);
        Assert.Contains("'anvil' is not believed", Assert.Single(lines, line => line.Kind == "note").Sentence, StringComparison.Ordinal);

        world.Repository.Tamper = (_, bytes) => bytes;
        await world.Finder.PollAsync(CancellationToken.None);

        Assert.Equal("1.1.0", world.Record.Current.OfferFor(MendWorld.Mac)?.Version);
    }

    [Fact]
    public async Task A_mirror_that_is_down_is_no_alarm()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync();
        world.Repository.Tamper = (_, _) => null;

        await world.Finder.PollAsync(CancellationToken.None);

        Assert.DoesNotContain(await world.Record.JournalAsync(null, long.MaxValue, 100, CancellationToken.None), line => line.Kind == "note");
    }

    /// <summary>What is wrong with a target's custom metadata.</summary>
    public static TheoryData<string, string?> BadCustoms => new()
    {
        { "none", null },
        { "a list", "[]" },
        { "no model", """{"version":"1.0","kind":"security"}""" },
        { "no version", """{"model":"m","kind":"security"}""" },
        { "a version that is a word", """{"model":"m","version":"latest","kind":"security"}""" },
        { "no kind", """{"model":"m","version":"1.0"}""" },
        { "an unknown kind", """{"model":"m","version":"1.0","kind":"urgent"}""" },
        { "an oldest version that is none", """{"model":"m","version":"1.0","kind":"feature","from-version":3}""" },
    };

    [Theory, MemberData(nameof(BadCustoms))]
    public void A_target_that_is_no_release_is_named_with_its_fault(string why, string? custom)
    {
        JsonElement? node = custom is null ? null : JsonDocument.Parse(custom).RootElement;

        Assert.False(FirmwareRelease.TryRead("anvil", "path", new string('a', 64), node, out _, out var fault), why);
        Assert.NotEmpty(fault);
    }
}
