using Gatehouse.Home;
using Gatehouse.Mend.Credentials.TelnetPasswd;
using Gatehouse.Mend.Credentials;
using Gatehouse.Mend.Drivers;
using System.Collections.Immutable;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

/// <summary>Mend against real programs: swupdate, busybox's telnetd and login in the lab's recorder; and the lab's plug, which speaks Tasmota.</summary>
[Collection("kernel"), Trait("Needs", "kernel"), Trait("Needs", "long")]
public sealed class RealDeviceTests(ITestOutputHelper output)
{
    private const string RecorderPack = """
        "update":{"driver":"swupdate","parameters":{"port":"8099","version-path":"/version","web-port":"80","activation-seconds":"20","restart-seconds":"60","fallback-seconds":"90"},"repository":"anvil"},
        "health":[{"http":"/","port":80,"status":200}],
        "credentials":[{"service":"telnet","port":23,"user":"root","password":"xc3511"}], "rotate":{"method":"telnet-passwd","parameters":{}}
        """;

    private const string PlugPack = """
        "update":{"driver":"tasmota","parameters":{},"repository":"anvil"}, "health":[{"http":"/","port":80,"status":200}]
        """;

    private static readonly Account _root = new("telnet", 23, "root", ImmutableDictionary<string, string>.Empty);

    [Fact]
    public async Task A_recorder_is_cured_through_swupdate_and_its_password_is_its_own()
    {
        await using var device = new RealDevice(RecorderPack, output);
        await device.StartAsync("recorder", "--keys", device.Keys, "--address", $"{device.Address}/24");
        await device.PublishAsync("1.1.0", Build(device, "1.1.0"));

        var job = await device.UpdateAsync();

        Assert.True(job.State == UpdateState.Done, $"{job.State}: {job.Reason}");
        Assert.Equal("1.1.0", await device.AskAsync("/version"));
        var kept = await device.Record.Vault.FindAsync(RealDevice.Mac, "telnet:23:root", CancellationToken.None);
        Assert.False(await SignsInAsync(device, "xc3511"));
        Assert.True(await SignsInAsync(device, kept!));
    }

    [Fact]
    public async Task A_recorder_whose_new_release_has_no_web_service_goes_back_also_when_its_power_is_cut_on_trial()
    {
        await using var device = new RealDevice(RecorderPack, output);
        await device.StartAsync("recorder", "--keys", device.Keys, "--address", $"{device.Address}/24");
        await device.PublishAsync("1.2.0", Build(device, "1.2.0"));

        var job = await device.UpdateAsync(async _ =>
        {
            await RealDevice.UntilAsync("the new slot is on trial", () => Task.FromResult(File.Exists(Path.Combine(device.State, "data/boot/count"))));
            device.CutPower();
        });

        Assert.True(job.State == UpdateState.RolledBack, $"{job.State}: {job.Reason}");
        Assert.Equal("1.0.0", await device.AskAsync("/version"));
        await device.Finder.PollAsync(CancellationToken.None);
        Assert.Null(device.Record.Current.OfferFor(RealDevice.Mac));
    }

    [Fact]
    public async Task A_recorder_refuses_an_image_that_its_maker_did_not_sign_although_it_says_200()
    {
        await using var device = new RealDevice(RecorderPack, output);
        await device.StartAsync("recorder", "--keys", device.Keys, "--address", $"{device.Address}/24");
        // Signed by the repository, but with another maker's image key inside: the device's own lock.
        var other = Path.Combine(device.Folder, "other-keys");
        await device.PublishAsync("1.1.0", "recorder", "--version", "1.1.0", "--keys", other, "--out", device.Folder);

        var job = await device.UpdateAsync();

        Assert.True(job.State == UpdateState.Refused, $"{job.State}: {job.Reason}");
        Assert.Equal("1.0.0", await device.AskAsync("/version"));
    }

    [Fact]
    public async Task A_plug_is_updated_and_a_release_without_a_web_service_is_lost_with_the_reason()
    {
        await using var device = new RealDevice(PlugPack.Replace("\"parameters\":{}", "\"parameters\":{\"restart-seconds\":\"15\",\"activation-seconds\":\"5\"}", StringComparison.Ordinal), output);
        await device.StartAsync("plug", "--address", $"{device.Address}", "--firmware", "14.2.0(release-tasmota)");
        await device.PublishAsync("14.3.0", "plug", "--version", "14.3.0(release-tasmota)", "--out", Path.Combine(device.Folder, "14.3.0.bin"));

        var good = await device.UpdateAsync();

        Assert.True(good.State == UpdateState.Done, $"{good.State}: {good.Reason}");
        Assert.Contains("14.3.0(release-tasmota)", await device.AskAsync("/cm?cmnd=Status%202"), StringComparison.Ordinal);

        await device.PublishAsync("14.4.0", "plug", "--version", "14.4.0(release-tasmota)", "--no-web", "--out", Path.Combine(device.Folder, "14.4.0.bin"));
        var bad = await device.UpdateAsync();

        Assert.Equal(UpdateState.Lost, bad.State);
        Assert.Contains("Somebody must look at it", bad.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_device_at_the_Things_address_is_handed_nothing()
    {
        await using var device = new RealDevice(PlugPack, output);
        await device.StartAsync("plug", "--address", $"{device.Address}");
        using var link = new DeviceLink(RealDevice.Mac, () => device.Address, ImmutableDictionary<string, string>.Empty, new LanDeviceNetwork());
        Assert.Equal(200, (await link.GetAsync(80, "/", CancellationToken.None)).Status);

        await device.ImpersonateAsync();
        using var later = new DeviceLink(RealDevice.Mac, () => device.Address, ImmutableDictionary<string, string>.Empty, new LanDeviceNetwork());

        await RealDevice.UntilAsync("it is not believed", async () => !await later.AcceptsAsync(80, CancellationToken.None));
        await Assert.ThrowsAsync<DeviceUnreachableException>(() => later.GetAsync(80, "/", CancellationToken.None));
    }

    private static string[] Build(RealDevice device, string version) => ["recorder", "--version", version, "--keys", device.Keys, "--out", device.Folder];

    private static async Task<bool> SignsInAsync(RealDevice device, string password)
    {
        using var link = new DeviceLink(RealDevice.Mac, () => device.Address, ImmutableDictionary<string, string>.Empty, new LanDeviceNetwork());
        return await new TelnetPasswdRotation().SignsInAsync(link, _root, password, CancellationToken.None);
    }
}
