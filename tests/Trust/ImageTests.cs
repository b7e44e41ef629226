using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gatehouse.Trust;
using Xunit;

namespace Gatehouse.Tests.Trust;

public sealed class ImageTests
{
    [Fact]
    public async Task An_image_carries_its_whole_reason()
    {
        var (repository, client) = await WithImageAsync("fw.bin", "content");
        using var _ = client;

        var image = await client.DownloadAsync("fw.bin");

        Assert.Equal("simulated", image.Reason.Repository);
        Assert.Equal("fw.bin", image.Reason.TargetPath);
        Assert.Equal(1, image.Reason.RootVersion);
        Assert.Equal([("timestamp", 2L), ("snapshot", 2L), ("targets", 2L)], image.Reason.Roles.Select(r => (r.Role, r.Version)));
        Assert.Equal([repository.Signers["targets"][0].Id], image.Reason.Roles[^1].SignedBy);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("content"u8)), image.Sha256);
        Assert.False(image.IsRestored);
    }

    public static TheoryData<string, Func<byte[], byte[]>> Tampered => new()
    {
        { "one bit", b => [.. b[..^1], (byte)(b[^1] ^ 1)] },
        { "cut short", b => b[..^1] },
        { "one byte more", b => [.. b, 0] },
        { "nothing", _ => [] },
        { "an error page", _ => Encoding.UTF8.GetBytes("<html>404</html>") },
    };

    [Theory, MemberData(nameof(Tampered))]
    public async Task A_tampered_image_is_refused_and_nothing_of_it_stays(string why, Func<byte[], byte[]> change)
    {
        var (repository, client) = await WithImageAsync("fw.bin", new string('a', 200_000));
        using var _ = client;
        foreach (var name in repository.Transport.Targets.Keys) repository.Transport.Targets[name] = change(repository.Transport.Targets[name]);

        var refused = await Assert.ThrowsAsync<TrustException>(() => client.DownloadAsync("fw.bin"));

        Assert.True(refused.Reason == TrustReason.HashMismatch, why);
        Assert.Empty(Directory.EnumerateFileSystemEntries(client.Images));
    }

    [Fact]
    public async Task An_endless_image_stops_at_its_signed_length()
    {
        var (repository, client) = await WithImageAsync("fw.bin", "short");
        using var _ = client;
        var endless = new EndlessStream();
        repository.Transport.Tamper = (_, _) => endless;

        await Assert.ThrowsAsync<TrustException>(() => client.DownloadAsync("fw.bin"));

        Assert.True(endless.Sent <= 64 * 1024);
    }

    [Fact]
    public async Task An_image_that_is_there_and_equal_is_not_fetched_again_and_a_damaged_one_is()
    {
        var (repository, client) = await WithImageAsync("fw.bin", "content");
        using var _ = client;
        var first = await client.DownloadAsync("fw.bin");
        await client.DownloadAsync("fw.bin");
        await File.WriteAllTextAsync(first.Path, "CONTENT");
        await client.DownloadAsync("fw.bin");

        Assert.Equal(2, repository.Transport.TargetRequests.Count);
        Assert.Equal("content", await File.ReadAllTextAsync(first.Path));
    }

    [Fact]
    public async Task An_image_of_which_only_unknown_hashes_are_signed_is_not_fetched()
    {
        var (repository, client) = await WithImageAsync("fw.bin", "content");
        using var _ = client;
        repository.Targets["targets"]!["fw.bin"]!["hashes"] = new JsonObject { ["sha3-256"] = "00" };
        repository.Publish();
        await client.RefreshAsync();

        Assert.Equal(TrustReason.HashMismatch, (await Assert.ThrowsAsync<TrustException>(() => client.DownloadAsync("fw.bin"))).Reason);
        Assert.Empty(repository.Transport.TargetRequests);
    }

    [Fact]
    public async Task Every_known_hash_must_fit()
    {
        var (repository, client) = await WithImageAsync("fw.bin", "content");
        using var _ = client;
        repository.Targets["targets"]!["fw.bin"]!["hashes"]!["sha512"] = Convert.ToHexStringLower(SHA512.HashData("content"u8));
        repository.Publish();
        await client.RefreshAsync();
        await client.DownloadAsync("fw.bin");
        repository.Targets["targets"]!["fw.bin"]!["hashes"]!["sha512"] = Convert.ToHexStringLower(SHA512.HashData("other"u8));
        repository.Publish();
        await client.RefreshAsync();

        Assert.Equal(TrustReason.HashMismatch, (await Assert.ThrowsAsync<TrustException>(() => client.DownloadAsync("fw.bin"))).Reason);
    }

    [Theory, InlineData("/etc/passwd"), InlineData("../up"), InlineData("a/../b"), InlineData("a//b"), InlineData("a/."), InlineData("a/")]
    public async Task A_path_that_climbs_is_not_asked_for(string path)
    {
        var (repository, client) = await WithImageAsync("fw.bin", "content");
        using var _ = client;
        repository.Targets["targets"]![path] = repository.Targets["targets"]!["fw.bin"]!.DeepClone();
        repository.Publish();
        await client.RefreshAsync();

        Assert.Equal(TrustReason.UnsafePath, (await Assert.ThrowsAsync<TrustException>(() => client.DownloadAsync(path))).Reason);
        Assert.Empty(repository.Transport.TargetRequests);
    }

    [Theory, InlineData("a b/ü.bin"), InlineData("100%/x"), InlineData("a?b#c"), InlineData("\"quoted\"\\")]
    public async Task Any_other_path_becomes_one_file_name(string path)
    {
        var (_, client) = await WithImageAsync(path, "content");
        using var _ = client;

        var image = await client.DownloadAsync(path);

        Assert.Equal(client.Images, Path.GetDirectoryName(image.Path));
        Assert.Equal("content", await File.ReadAllTextAsync(image.Path));
    }

    [Fact]
    public async Task A_path_longer_than_a_file_name_is_named_by_its_hash()
    {
        var path = string.Join('/', Enumerable.Repeat("segment", 60));
        var (_, client) = await WithImageAsync(path, "content");
        using var _ = client;

        Assert.Equal(64, Path.GetFileName((await client.DownloadAsync(path)).Path).Length);
    }

    [Fact]
    public async Task A_file_changed_after_verification_is_noticed_before_its_last_byte_is_handed_out()
    {
        var (_, client) = await WithImageAsync("fw.bin", new string('a', 200_000));
        using var _ = client;
        var image = await client.DownloadAsync("fw.bin");
        using (var good = image.OpenRead())
        using (var copy = new MemoryStream())
        {
            await good.CopyToAsync(copy);
            Assert.Equal(200_000, copy.Length);
        }

        var content = await File.ReadAllBytesAsync(image.Path);
        content[5] ^= 1;
        await File.WriteAllBytesAsync(image.Path, content);

        using var stream = image.OpenRead();
        using var taken = new MemoryStream();
        Assert.Equal(TrustReason.HashMismatch, (await Assert.ThrowsAsync<TrustException>(() => stream.CopyToAsync(taken))).Reason);
        Assert.True(taken.Length < 200_000);
        await File.WriteAllTextAsync(image.Path, "short");
        Assert.Throws<TrustException>(image.OpenRead);
    }

    [Fact]
    public async Task The_last_known_good_may_come_back_when_everything_has_expired_and_all_keys_are_new()
    {
        var (repository, client) = await WithImageAsync("fw.bin", "old and good");
        using var _ = client;
        var image = await client.DownloadAsync("fw.bin");
        repository.Rotate("targets");
        repository.Targets["targets"]!.AsObject().Remove("fw.bin");
        repository.Publish();
        await client.RefreshAsync();
        client.Clock.Advance(TimeSpan.FromDays(3650));
        client.Reopen();
        var copy = Path.Combine(client.Images, "kept-under-another-name");
        File.Copy(image.Path, copy);

        var restored = await client.Repository.RestoreAsync(copy, CancellationToken.None);
        var newest = await client.RefusalAsync();

        Assert.True(restored.IsRestored);
        Assert.Equal(image.Sha256, restored.Sha256);
        Assert.Equal("fw.bin", restored.Reason.TargetPath);
        Assert.Equal(TrustReason.Expired, newest);
    }

    [Fact]
    public async Task Downgrade_by_restore_works_with_no_image_that_was_not_verified_here()
    {
        var (repository, client) = await WithImageAsync("fw.bin", "good");
        using var _ = client;
        var image = await client.DownloadAsync("fw.bin");
        await File.WriteAllTextAsync(image.Path, "evil");

        Assert.Equal(TrustReason.HashMismatch, (await Assert.ThrowsAsync<TrustException>(() => client.Repository.RestoreAsync(image.Path, CancellationToken.None))).Reason);

        // Somebody who can write the folder makes a proof for the image, signed by nobody who counts.
        var forger = new RepositorySimulator();
        forger.AddTarget("fw.bin", "evil");
        forger.Publish("targets");
        using var forgers = new TestClient(forger);
        await forgers.RefreshAsync();
        await forgers.DownloadAsync("fw.bin");
        CopyProofs(forgers.Metadata, client.Metadata);

        Assert.Equal(TrustReason.NotSigned, (await Assert.ThrowsAsync<TrustException>(() => client.Repository.RestoreAsync(image.Path, CancellationToken.None))).Reason);
        Assert.NotNull(repository);
    }

    [Fact]
    public async Task Proofs_past_the_limit_make_room_for_new_ones()
    {
        var repository = new RepositorySimulator();
        for (var i = 0; i < 5; i++) repository.AddTarget($"fw-{i}", $"content {i}");
        repository.Publish();
        using var client = new TestClient(repository, TrustLimits.Default with { KeptProofs = 3 });
        await client.RefreshAsync();
        var images = new List<VerifiedImage>();
        for (var i = 0; i < 5; i++)
        {
            images.Add(await client.DownloadAsync($"fw-{i}"));
            await Task.Delay(15);
        }

        await client.Repository.RestoreAsync(images[4].Path, CancellationToken.None);
        await Assert.ThrowsAsync<TrustException>(() => client.Repository.RestoreAsync(images[0].Path, CancellationToken.None));
        Assert.Equal(3, Directory.EnumerateFiles(Path.Combine(client.Metadata, "proofs"), "*.json").Count());
    }

    private static async Task<(RepositorySimulator Repository, TestClient Client)> WithImageAsync(string path, string content)
    {
        var repository = new RepositorySimulator();
        repository.AddTarget(path, content);
        repository.Publish("targets");
        var client = new TestClient(repository);
        await client.RefreshAsync();
        return (repository, client);
    }

    private static void CopyProofs(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(from, "proofs"), "*.json", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(to, "proofs", Path.GetRelativePath(Path.Combine(from, "proofs"), file)), overwrite: true);
        }
    }
}
