using System.Collections.Immutable;
using Gatehouse.Mend.Drivers;
using Gatehouse.Tests.Gateway.Mend.Simulation;
using Gatehouse.Trust;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend.Drivers;

/// <summary>What holds for every driver of the table, tried on a simulated device of its kind.</summary>
public sealed class DriverContractTests
{
    /// <summary>A new driver gets a line here and in <see cref="MendWorld.Make"/>.</summary>
    public static TheoryData<string> Drivers => ["tasmota", "swupdate"];

    [Fact]
    public void Every_driver_of_the_table_is_under_contract() => Assert.Equal(DriverTable.All.Select(driver => driver.Name).Order(), Drivers.Select(row => row.Data).Order());

    [Theory, MemberData(nameof(Drivers))]
    public async Task It_reads_the_version_that_runs(string name)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(name, clock));
        using var link = Link(world);

        Assert.Equal("1.0.0", (await Driver(name).ReadVersionAsync(link, CancellationToken.None)).Text);
    }

    [Theory, MemberData(nameof(Drivers))]
    public async Task It_hands_over_an_image_whole(string name)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(name, clock));
        using var link = Link(world);
        var image = await FetchAsync(world, "1.1.0");

        await Driver(name).InstallAsync(link, image, CancellationToken.None);
        world.Clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal("1.1.0", (await Driver(name).ReadVersionAsync(link, CancellationToken.None)).Text);
        Assert.Equal(1, world.Thing.Uploads);
    }

    [Theory, MemberData(nameof(Drivers))]
    public async Task It_says_that_nobody_answers(string name)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(name, clock));
        using var link = Link(world);
        var image = await FetchAsync(world, "1.1.0");
        world.Thing.IsGone = true;

        await Assert.ThrowsAsync<DeviceUnreachableException>(() => Driver(name).ReadVersionAsync(link, CancellationToken.None));
        await Assert.ThrowsAsync<DeviceUnreachableException>(() => Driver(name).InstallAsync(link, image, CancellationToken.None));
    }

    [Theory, MemberData(nameof(Drivers))]
    public async Task It_says_that_the_connection_broke_while_the_image_was_sent(string name)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(name, clock));
        using var link = Link(world);
        var image = await FetchAsync(world, "1.1.0");
        world.Thing.Misbehaviour = Misbehaviour.LosesPowerInUpload;

        await Assert.ThrowsAsync<DeviceUnreachableException>(() => Driver(name).InstallAsync(link, image, CancellationToken.None));
        Assert.Equal(0, world.Thing.Uploads);
    }

    [Theory, MemberData(nameof(Drivers))]
    public async Task A_flood_for_an_answer_is_no_version(string name)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(name, clock));
        using var link = Link(world);
        world.Thing.Misbehaviour = Misbehaviour.FloodsVersion;

        await Assert.ThrowsAsync<DeviceRefusedException>(() => Driver(name).ReadVersionAsync(link, CancellationToken.None));
    }

    [Theory, MemberData(nameof(Drivers))]
    public async Task An_image_changed_on_disk_while_it_is_sent_does_not_arrive_whole(string name)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(name, clock));
        using var link = Link(world);
        var image = await FetchAsync(world, "1.1.0");
        var bytes = await File.ReadAllBytesAsync(image.Path);
        bytes[^1]++;
        await File.WriteAllBytesAsync(image.Path, bytes);

        await Assert.ThrowsAnyAsync<Exception>(() => Driver(name).InstallAsync(link, image, CancellationToken.None));
        Assert.Equal(("1.0.0", 0), (world.Thing.Running, world.Thing.Uploads));
    }

    [Theory, MemberData(nameof(Drivers))]
    public void It_tells_its_own_images_from_others(string name)
    {
        var clock = new JumpingClock();

        Assert.Null(Driver(name).Misfit(MendWorld.Make(name, clock).Image("1.1.0").AsSpan(0, 64)));
        foreach (var other in Drivers.Select(row => row.Data).Where(other => other != name))
            Assert.NotNull(Driver(name).Misfit(MendWorld.Make(other, clock).Image("1.1.0").AsSpan(0, 64)));
        foreach (var wrong in new byte[][] { [], [0], "<html>"u8.ToArray(), new byte[64] }) Assert.NotNull(Driver(name).Misfit(wrong));
    }

    [Theory, MemberData(nameof(Drivers))]
    public void Its_waits_can_be_set_and_nonsense_is_a_fault(string name)
    {
        var driver = Driver(name);
        var sound = ImmutableDictionary<string, string>.Empty.Add("activation-seconds", "7").Add("restart-seconds", "120");

        Assert.Empty(driver.FaultsOf(sound));
        Assert.Equal((TimeSpan.FromSeconds(7), TimeSpan.FromMinutes(2)), (driver.Pace.With(sound).ActivationWait, driver.Pace.With(sound).RestartWait));
        foreach (var nonsense in (string[])["", "-1", "soon", "4000", "99999999999", "1.5"])
            Assert.NotEmpty(driver.FaultsOf(ImmutableDictionary<string, string>.Empty.Add("steady-seconds", nonsense)));
    }

    private static IDeviceDriver Driver(string name) => DriverTable.Find(name)!;

    private static DeviceLink Link(MendWorld world) => new(
        MendWorld.Mac, () => world.Thing.Address, ImmutableDictionary<string, string>.Empty.Add("port", world.Thing.DriverName == "swupdate" ? "8099" : "80"), world.Thing);

    private static async Task<VerifiedImage> FetchAsync(MendWorld world, string version)
    {
        world.Repository.Add($"anvil-{version}", world.Thing.Image(version), "anvil-model", version);
        var releases = (await world.Repositories.RefreshAsync("anvil", CancellationToken.None)).Releases;
        return await world.Repositories.DownloadAsync(releases.Single(release => release.Version.Text == version), world.Images, CancellationToken.None);
    }
}
