using Gatehouse.Trust;
using Xunit;

namespace Gatehouse.Tests.Maker;

public sealed class ReleaseTests
{
    [Fact]
    public async Task A_signed_release_reaches_a_client_with_its_custom_fields_and_its_reason()
    {
        using var maker = new MakerFolder();
        maker.Init();
        maker.Run("add", maker.Image("dvr4-1.1.0.swu"), "--model", "anvil-dvr4", "--version", "1.1.0", "--fixes", "CVE-2026-1234", "--hardware", "1.0", "--support-until", "2031-01-01");
        maker.Run("sign");
        maker.Run("publish", maker.Served);

        var client = maker.Client();
        await client.RefreshAsync(CancellationToken.None);
        var target = Assert.Single(client.Targets);
        var image = await client.DownloadAsync(target, maker.Below("images"), CancellationToken.None);

        Assert.Equal("anvil-dvr4/1.1.0/dvr4-1.1.0.swu", target.Path);
        Assert.Equal("1.1.0", target.Custom!.Value.GetProperty("version").GetString());
        Assert.Equal("2031-01-01", target.Custom!.Value.GetProperty("support-until").GetString());
        Assert.Equal(["timestamp", "snapshot", "targets"], image.Reason.Roles.Select(r => r.Role));
        Assert.Equal(2, image.Reason.Roles[^1].SignedBy.Count);
        Assert.Equal(File.ReadAllBytes(maker.Below("dvr4-1.1.0.swu")), File.ReadAllBytes(image.Path));
    }

    [Fact]
    public void One_holder_alone_cannot_publish()
    {
        using var maker = new MakerFolder();
        maker.Init();
        maker.Run("add", maker.Image("a.swu"), "--model", "a", "--version", "1.1.0");
        maker.Run("sign", "--holder", "holder-2");

        var (exit, _, complaint) = maker.Try("publish", maker.Served);

        Assert.Equal(1, exit);
        Assert.Contains("targets version 2 still needs 1 more signature", complaint, StringComparison.Ordinal);
        Assert.False(Directory.Exists(maker.Served));
    }

    [Fact]
    public async Task The_timer_needs_the_online_keys_only_and_keeps_clients_going()
    {
        using var maker = new MakerFolder();
        maker.Init("--timestamp-days", "1");
        maker.Run("publish", maker.Served);
        Directory.Delete(Path.Combine(maker.Repository, "keys"), recursive: true);
        maker.Now += TimeSpan.FromDays(10);
        var frozen = await Assert.ThrowsAsync<TrustException>(() => maker.Client().RefreshAsync(CancellationToken.None));

        maker.Run("refresh", maker.Served);
        await maker.Client().RefreshAsync(CancellationToken.None);

        Assert.Equal(TrustReason.Expired, frozen.Reason);
    }
}
