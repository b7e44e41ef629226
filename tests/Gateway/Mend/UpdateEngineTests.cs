using System.Net;
using Gatehouse.Home;
using Gatehouse.Tests.Gateway.Mend.Simulation;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

/// <summary>Whole updates against devices that behave, and devices that do not.</summary>
public sealed class UpdateEngineTests
{
    public static TheoryData<string> Kinds => ["tasmota", "swupdate"];

    /// <summary>Kind of device, what it does wrong, how the update ends, what it runs then, how often the image was sent at most.</summary>
    public static TheoryData<string, Misbehaviour, UpdateState, string, int> Misbehaviours => new()
    {
        { "tasmota", Misbehaviour.None, UpdateState.Done, "1.1.0", 1 },
        { "swupdate", Misbehaviour.None, UpdateState.Done, "1.1.0", 1 },
        { "tasmota", Misbehaviour.IgnoresImage, UpdateState.Refused, "1.0.0", 1 },
        { "swupdate", Misbehaviour.IgnoresImage, UpdateState.Refused, "1.0.0", 1 },
        { "tasmota", Misbehaviour.LosesPowerInUpload, UpdateState.Done, "1.1.0", 1 },
        { "swupdate", Misbehaviour.LosesPowerInUpload, UpdateState.Done, "1.1.0", 1 },
        { "tasmota", Misbehaviour.AlwaysLosesPowerInUpload, UpdateState.RolledBack, "1.0.0", 0 },
        { "swupdate", Misbehaviour.AlwaysLosesPowerInUpload, UpdateState.RolledBack, "1.0.0", 0 },
        { "tasmota", Misbehaviour.SaysErrorButInstalls, UpdateState.Done, "1.1.0", 1 },
        { "swupdate", Misbehaviour.SaysErrorButInstalls, UpdateState.Done, "1.1.0", 1 },
        { "tasmota", Misbehaviour.HangsUpAfterUpload, UpdateState.Done, "1.1.0", 1 },
        { "swupdate", Misbehaviour.HangsUpAfterUpload, UpdateState.Done, "1.1.0", 1 },
        { "tasmota", Misbehaviour.LosesPowerInRestart, UpdateState.Done, "1.1.0", 1 },
        { "swupdate", Misbehaviour.LosesPowerInRestart, UpdateState.Done, "1.1.0", 1 },
        { "tasmota", Misbehaviour.FloodsVersion, UpdateState.Refused, "1.0.0", 0 },
        { "swupdate", Misbehaviour.FloodsVersion, UpdateState.Refused, "1.0.0", 0 },
    };

    [Theory, MemberData(nameof(Misbehaviours))]
    public async Task An_update_of_a_misbehaving_device_ends(string kind, Misbehaviour misbehaviour, UpdateState end, string running, int uploads)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));
        world.Thing.Misbehaviour = misbehaviour;

        var job = await world.UpdateAsync("1.1.0");

        Assert.True(end == job.State, $"{job.State}: {job.Reason}");
        Assert.Equal((running, uploads), (world.Thing.Running, world.Thing.Uploads));
        if (end == UpdateState.Done) Assert.Equal(running, world.Known.Identity.Firmware?.Value);
        else Assert.NotEmpty(job.Reason);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_device_that_shows_another_version_afterwards_is_not_called_up_to_date(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));
        world.Thing.Misbehaviour = Misbehaviour.ShowsWrongVersion;

        var job = await world.UpdateAsync("1.1.0");

        Assert.Equal(UpdateState.Lost, job.State);
        Assert.Contains("shows version 9.9.9 instead of 1.1.0", job.Reason, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_device_that_dies_is_lost_and_the_owner_is_told(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));
        world.Thing.Misbehaviour = Misbehaviour.Dies;

        var job = await world.UpdateAsync("1.1.0");

        Assert.Equal(UpdateState.Lost, job.State);
        Assert.Contains("Somebody must look at it", job.Reason, StringComparison.Ordinal);
        Assert.Null(world.Record.Current.OfferFor(MendWorld.Mac));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_tampered_copy_is_refused_with_the_reason_and_a_sound_copy_installs_later(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));
        world.Repository.Tamper = (name, bytes) => name.EndsWith("anvil-1.1.0", StringComparison.Ordinal) ? [.. bytes![..^1], 1] : bytes;

        var tampered = await world.UpdateAsync("1.1.0");

        Assert.Equal(UpdateState.Refused, tampered.State);
        Assert.Contains("is not the signed image", tampered.Reason, StringComparison.Ordinal);
        Assert.Equal(("1.0.0", 0), (world.Thing.Running, world.Thing.Uploads));
        Assert.Empty(Directory.EnumerateFiles(world.Images, "*", SearchOption.AllDirectories));

        world.Repository.Tamper = (_, bytes) => bytes;
        await world.ConsentAsync();
        await world.RunAsync();

        Assert.Equal((UpdateState.Done, "1.1.0"), (world.Job.State, world.Thing.Running));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_kept_image_that_was_changed_on_disk_never_reaches_the_device(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));
        await world.IntroduceAsync();
        await world.OfferAsync("1.1.0");
        await world.ConsentAsync();
        world.Clock.KillAtLook = world.Clock.Looks + 3;
        await Assert.ThrowsAsync<KilledException>(world.RunAsync);
        await world.RestartAsync();
        Assert.Equal(UpdateState.BackingUp, world.Job.State);

        var image = world.Shelf.Find(SignedRepository.Sha256(world.Thing.Image("1.1.0")))!;
        var bytes = await File.ReadAllBytesAsync(image);
        bytes[^1]++;
        await File.WriteAllBytesAsync(image, bytes);
        await world.RunAsync();

        Assert.Equal((UpdateState.Refused, 0), (world.Job.State, world.Thing.Uploads));
        Assert.Contains("was changed since", world.Job.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recorder_that_does_not_come_up_falls_back_by_itself_and_the_release_is_not_offered_again()
    {
        await using var world = new MendWorld(clock => new SimulatedRecorder(clock));

        var job = await world.UpdateAsync("1.2.0", web: false);

        Assert.Equal((UpdateState.RolledBack, "1.0.0"), (job.State, world.Thing.Running));
        await world.Finder.PollAsync(CancellationToken.None);
        Assert.Null(world.Record.Current.OfferFor(MendWorld.Mac));
        Assert.Contains("1.0.0", job.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recorder_whose_power_is_cut_between_switching_and_confirming_ends_the_same()
    {
        await using var world = new MendWorld(clock => new SimulatedRecorder(clock));
        world.Thing.Misbehaviour = Misbehaviour.LosesPowerInRestart;

        var job = await world.UpdateAsync("1.2.0", web: false);

        Assert.Equal((UpdateState.RolledBack, "1.0.0"), (job.State, world.Thing.Running));
    }

    [Fact]
    public async Task A_plug_that_is_not_well_gets_its_old_image_back()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));

        var job = await world.UpdateAsync("1.2.0", web: false);

        Assert.Equal((UpdateState.RolledBack, "1.0.0", 2), (job.State, world.Thing.Running, world.Thing.Uploads));
        Assert.Contains("was put back: it runs 1.0.0 again", job.Reason, StringComparison.Ordinal);
        await world.Finder.PollAsync(CancellationToken.None);
        Assert.Null(world.Record.Current.OfferFor(MendWorld.Mac));
    }

    [Fact]
    public async Task A_plug_that_is_not_well_is_lost_where_no_image_could_be_kept()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        world.Repository.Withdraw("anvil-1.0.0");

        var job = await world.UpdateAsync("1.2.0", web: false);

        Assert.Equal(UpdateState.Lost, job.State);
        Assert.Contains("no image of 1.0.0 to put back", job.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_image_that_was_installed_last_time_is_the_way_back_when_the_maker_has_withdrawn_it()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        Assert.Equal(UpdateState.Done, (await world.UpdateAsync("1.1.0")).State);
        world.Repository.Withdraw("anvil-1.1.0");

        var job = await world.UpdateAsync("1.2.0", web: false);

        Assert.Equal((UpdateState.RolledBack, "1.1.0"), (job.State, world.Thing.Running));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task What_was_unwell_before_is_not_held_against_the_release(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock), healthPath: "/never-there");

        var job = await world.UpdateAsync("1.1.0");

        Assert.Equal((UpdateState.Done, "1.1.0"), (job.State, world.Thing.Running));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_release_that_was_replaced_since_the_consent_is_not_installed(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));
        await world.IntroduceAsync();
        await world.OfferAsync("1.1.0");
        world.Repository.Add("anvil-1.1.0", world.Thing.Image("1.1.0", web: false), "anvil-model", "1.1.0");
        await world.ConsentAsync();

        await world.RunAsync();

        Assert.Equal((UpdateState.Refused, 0), (world.Job.State, world.Thing.Uploads));
        Assert.Contains("withdrawn", world.Job.Reason, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task An_image_of_another_kind_of_device_is_refused_before_the_device_is_touched(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));
        await world.IntroduceAsync();
        world.Repository.Add("anvil-1.1.0", "<html>not found</html>"u8.ToArray(), "anvil-model", "1.1.0");
        await world.Finder.PollAsync(CancellationToken.None);
        await world.ConsentAsync();

        await world.RunAsync();

        Assert.Equal((UpdateState.Refused, 0), (world.Job.State, world.Thing.Uploads));
        Assert.Contains("does not fit", world.Job.Reason, StringComparison.Ordinal);
        Assert.Null(world.Record.Current.OfferFor(MendWorld.Mac));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_device_that_runs_something_newer_is_never_taken_back(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));
        await world.UpdateAsync("2.0.0");
        await world.Record.ApplyAsync(new ThingIdentified(MendWorld.Mac, world.Known.Identity with { Firmware = new Claim("1.0.0", 1, []) }, DeviceClass.Thing) { At = world.Clock.Now }, CancellationToken.None);
        await world.OfferAsync("1.1.0");
        await world.Record.ApplyAsync(new OfferMade(MendWorld.Mac, "anvil", "anvil-1.1.0", "1.1.0", SignedRepository.Sha256(world.Thing.Image("1.1.0")), true, []) { At = world.Clock.Now }, CancellationToken.None);
        await world.ConsentAsync();

        await world.RunAsync();

        Assert.Equal((UpdateState.Refused, "2.0.0", 1), (world.Job.State, world.Thing.Running, world.Thing.Uploads));
        Assert.Contains("newer", world.Job.Reason, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_device_that_is_away_is_left_alone_and_the_offer_stays(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));
        world.Thing.IsGone = true;

        var job = await world.UpdateAsync("1.1.0");

        Assert.Equal(UpdateState.Refused, job.State);
        Assert.NotNull(world.Record.Current.OfferFor(MendWorld.Mac));
    }

    [Fact]
    public async Task A_plug_with_a_web_password_is_left_alone_with_that_as_the_reason()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock) { Password = "joker" });

        var job = await world.UpdateAsync("1.1.0");

        Assert.Equal(UpdateState.Refused, job.State);
        Assert.Contains("web password", job.Reason, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_device_that_comes_back_with_another_address_is_followed(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));
        await world.IntroduceAsync();
        await world.OfferAsync("1.1.0");
        await world.ConsentAsync();
        var moved = false;
        world.Clock.Moved = _ =>
        {
            if (moved || world.Thing.Uploads == 0) return;
            moved = true;
            world.Thing.Address = IPAddress.Parse("192.0.2.99");
            world.Record.ApplyAsync(new ThingSeen(MendWorld.Mac, world.Thing.Address, "thing") { At = world.Clock.Now }, CancellationToken.None).GetAwaiter().GetResult();
        };

        await world.RunAsync();

        Assert.True(moved);
        Assert.Equal(UpdateState.Done, world.Job.State);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task The_cure_replaces_the_password_shuts_the_way_in_and_lets_the_Thing_in_again(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock), hasKnownPassword: true);
        await world.IntroduceAsync();
        var now = world.Clock.Now;
        await world.Record.ApplyAsync(new PortForwardFound(TransportProtocol.Tcp, 2323, "192.0.2.7", 23, MendWorld.Mac) { At = now }, CancellationToken.None);
        await world.Record.ApplyAsync(new PortForwardFound(TransportProtocol.Tcp, 8080, "192.0.2.7", 8080, MendWorld.Mac) { At = now }, CancellationToken.None);
        await world.Record.ApplyAsync(new RestraintSet(MendWorld.Mac, Restraint.CutOff, "It flooded.") { At = now }, CancellationToken.None);

        var job = await world.UpdateAsync("1.1.0");

        Assert.True(job.State == UpdateState.Done, job.Reason);
        Assert.Equal(Restraint.None, world.Known.Restraint);
        Assert.Equal([(2323, false), (8080, true)], world.Record.Current.PortForwards.Values.OrderBy(forward => forward.WanPort).Select(forward => ((int)forward.WanPort, forward.IsOpen)));
        var password = await world.Record.Vault.FindAsync(MendWorld.Mac, "telnet:23:root", CancellationToken.None);
        Assert.Equal(world.Thing.Telnet!.Password, password);
        Assert.DoesNotContain(await world.Record.JournalAsync(null, long.MaxValue, 1000, CancellationToken.None), entry => entry.Details.Contains(password!, StringComparison.Ordinal) || entry.Sentence.Contains(password!, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_Thing_whose_known_password_still_opens_it_stays_cut_off()
    {
        await using var world = new MendWorld(clock => new SimulatedRecorder(clock), hasKnownPassword: true);
        world.Thing.Telnet!.OnlyPretends = true;
        await world.IntroduceAsync();
        await world.Record.ApplyAsync(new RestraintSet(MendWorld.Mac, Restraint.CutOff, "It flooded.") { At = world.Clock.Now }, CancellationToken.None);

        var job = await world.UpdateAsync("1.1.0");

        Assert.Equal((UpdateState.Done, Restraint.CutOff), (job.State, world.Known.Restraint));
        Assert.Contains("still has the password it was shipped with", job.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_feature_release_does_not_let_a_cut_off_Thing_in_again()
    {
        await using var world = new MendWorld(clock => new SimulatedRecorder(clock));
        await world.IntroduceAsync();
        await world.Record.ApplyAsync(new RestraintSet(MendWorld.Mac, Restraint.CutOff, "It flooded.") { At = world.Clock.Now }, CancellationToken.None);
        await world.OfferAsync("1.1.0", kind: "feature");
        await world.ConsentAsync();

        await world.RunAsync();

        Assert.Equal((UpdateState.Done, Restraint.CutOff), (world.Job.State, world.Known.Restraint));
    }
}
