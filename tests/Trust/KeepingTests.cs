using System.Diagnostics;
using Gatehouse.Trust;
using Xunit;

namespace Gatehouse.Tests.Trust;

/// <summary>Disks that fill up or lose power, folders that were damaged, clocks that are wrong.</summary>
public sealed class KeepingTests
{
    private sealed class PowerLossException : Exception;

    /// <summary>What the repository publishes between two refreshes, at each of whose changes of the disk the power is cut once.</summary>
    public static TheoryData<string, Action<object>> Updates => new()
    {
        { "a new target", s => Sim(s).Publish() },
        { "a new root", s => Sim(s).Publish("root") },
        { "new online keys after a fast-forward attack", s => Recover(Sim(s)) },
        { "three roots at once", s => { Sim(s).Publish("root"); Sim(s).Publish("root"); Recover(Sim(s)); } },
    };

    [Theory, MemberData(nameof(Updates))]
    public async Task Power_may_fail_at_any_write_and_the_next_refresh_ends_well(string why, Action<object> publish)
    {
        for (var cut = 0; ; cut++)
        {
            var repository = new RepositorySimulator();
            using var client = new TestClient(repository);
            await client.RefreshAsync();
            publish(repository);

            var left = cut;
            client.Repository.Store.BeforeChange = _ =>
            {
                if (left-- == 0) throw new PowerLossException();
            };
            var lost = false;
            try
            {
                await client.RefreshAsync();
            }
            catch (PowerLossException)
            {
                lost = true;
            }

            client.Reopen();
            await client.RefreshAsync();
            foreach (var role in new[] { "root", "timestamp", "snapshot", "targets" })
            {
                Assert.True(repository.Version(role) == client.KeptVersion(role), $"{why}, cut {cut}: {role} is {client.KeptVersion(role)}, not {repository.Version(role)}");
            }

            if (!lost) return;
        }
    }

    [Fact]
    public async Task Power_may_fail_in_recovery_too()
    {
        for (var cut = 0; cut < 8; cut++)
        {
            var repository = new RepositorySimulator();
            using var client = new TestClient(repository);
            await client.RefreshAsync();
            FastForward(repository);
            await client.RefreshAsync();
            Recover(repository);

            // Lost after root.json was written and before the void files were deleted.
            client.Repository.Store.BeforeChange = change =>
            {
                if (change.StartsWith("delete timestamp", StringComparison.Ordinal)) throw new PowerLossException();
            };
            await Assert.ThrowsAsync<PowerLossException>(client.RefreshAsync);
            Assert.Equal(1000 + 1, client.KeptVersion("timestamp"));
            client.Reopen();
            await client.RefreshAsync();

            Assert.True(client.KeptVersion("timestamp") < 1000);
        }
    }

    [Fact]
    public async Task A_fast_forwarded_timestamp_is_forgotten_even_when_only_one_of_its_keys_was_replaced()
    {
        var repository = new RepositorySimulator();
        var (kept, stolen, fresh) = (TestKey.Ed25519(), TestKey.Ed25519(), TestKey.Ed25519());
        repository.Signers["timestamp"] = [kept, stolen];
        repository.SetRole("timestamp", [kept, stolen], 1);
        repository.Publish();
        using var client = new TestClient(repository);
        FastForward(repository);
        await client.RefreshAsync();

        // The forged timestamp still carries a signature of the key that stays.
        repository.Signers["timestamp"] = [kept, fresh];
        repository.SetRole("timestamp", [kept, fresh], 1);
        repository.Documents["timestamp"]["version"] = 5L;
        repository.Publish();
        await client.RefreshAsync();

        Assert.Equal(6, client.KeptVersion("timestamp"));
    }

    [Fact]
    public async Task A_full_disk_is_said_to_be_that_and_leaves_the_old_files_whole()
    {
        Assert.True(
            Environment.GetEnvironmentVariable("GATEHOUSE_LAB") == "1",
            "This test mounts a small file system and runs only in namespaces of its own: start it with ./test, or with lab/enter before the command.");
        using var folder = new TemporaryFolder();
        Assert.Equal(0, Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.Path));
        try
        {
            var repository = new RepositorySimulator();
            var client = TufRepository.Open("simulated", folder.Below("metadata"), repository.Transport.Metadata["1.root.json"], repository.Transport, TimeProvider.System);
            foreach (var document in repository.Documents.Values) document["expires"] = RepositorySimulator.Date(DateTimeOffset.UtcNow.AddDays(3));
            repository.Publish();
            await client.RefreshAsync(CancellationToken.None);
            var before = await File.ReadAllBytesAsync(folder.Below("metadata", "targets.json"));
            repository.AddTarget("fw", new string('x', 10));
            repository.Targets["padding"] = new string('x', 100_000);
            repository.Publish();

            var refused = await Assert.ThrowsAsync<TrustException>(() => client.RefreshAsync(CancellationToken.None));

            Assert.Equal(TrustReason.Storage, refused.Reason);
            Assert.Equal(before, await File.ReadAllBytesAsync(folder.Below("metadata", "targets.json")));
            Assert.Empty(Directory.EnumerateFiles(folder.Below("metadata"), "*.new"));
            repository.Targets.Remove("padding");
            repository.Publish();
            await client.RefreshAsync(CancellationToken.None);

            var image = repository.AddTarget("big", new string('y', 60_000));
            repository.Publish();
            await client.RefreshAsync(CancellationToken.None);
            var full = await Assert.ThrowsAsync<TrustException>(
                () => client.DownloadAsync(client.FindTarget("big")!, folder.Below("images"), CancellationToken.None));

            Assert.Equal(TrustReason.Storage, full.Reason);
            Assert.Empty(Directory.EnumerateFiles(folder.Below("images")));
            Assert.Equal(60_000, image.Length);
        }
        finally
        {
            Run("umount", folder.Path);
        }
    }

    [Theory, InlineData("root"), InlineData("timestamp"), InlineData("snapshot"), InlineData("targets")]
    public async Task A_damaged_file_is_fetched_again(string role)
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        await client.RefreshAsync();
        foreach (var damage in new byte[][] { [], [0, 1, 2], [.. Enumerable.Repeat((byte)'{', 5000)] })
        {
            await File.WriteAllBytesAsync(Path.Combine(client.Metadata, role + ".json"), damage);
            client.Reopen();
            await client.RefreshAsync();

            Assert.Equal(1, client.KeptVersion(role));
        }
    }

    [Fact]
    public async Task A_root_shipped_with_a_newer_product_replaces_an_older_kept_one_and_never_the_reverse()
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        await client.RefreshAsync();
        for (var i = 0; i < 3; i++) repository.Publish("root");
        var shipped = repository.Transport.Metadata["4.root.json"];

        TufRepository.Open("simulated", client.Metadata, shipped, repository.Transport, client.Clock);
        var newer = client.KeptVersion("root");
        client.Reopen();

        Assert.Equal(4, newer);
        Assert.Equal(4, client.KeptVersion("root"));
    }

    [Fact]
    public async Task A_clock_far_ahead_refuses_as_expired_and_a_set_clock_goes_on()
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        client.Clock.SetUtcNow(RepositorySimulator.Start.AddYears(20));
        var ahead = await client.RefusalAsync();
        using var honest = new TestClient(repository);
        await honest.RefreshAsync();

        Assert.Equal(TrustReason.Expired, ahead);
        Assert.Equal(1, client.KeptVersion("timestamp"));
    }

    [Fact]
    public async Task A_clock_behind_accepts_what_is_newer_and_still_refuses_what_is_older()
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        client.Clock.AdjustTime(RepositorySimulator.Start.AddYears(-5));
        repository.Publish();
        await client.RefreshAsync();
        var newest = client.KeptVersion("timestamp");

        repository.Documents["timestamp"]["version"] = 0L;
        repository.Serve("timestamp");

        Assert.Equal(2, newest);
        Assert.Equal(TrustReason.Rollback, await client.RefusalAsync());
    }

    [Fact]
    public async Task One_moment_counts_for_a_whole_update_however_long_it_takes()
    {
        var repository = new RepositorySimulator();
        repository.Documents["snapshot"]["expires"] = RepositorySimulator.Date(RepositorySimulator.Start.AddHours(1));
        repository.Publish();
        using var client = new TestClient(repository);
        repository.Transport.Tamper = (name, stream) =>
        {
            if (name == "timestamp.json") client.Clock.Advance(TimeSpan.FromHours(2));
            return stream;
        };

        // The wait itself is within no limit of this test: what counts is the date at the start.
        client.Limits = client.Limits with { MetadataWait = TimeSpan.FromDays(1), IdleWait = TimeSpan.FromDays(1) };
        client.Reopen();
        await client.RefreshAsync();

        Assert.True(client.Repository.IsFresh);
    }

    [Fact]
    public async Task An_old_refresh_is_not_good_enough_to_choose_an_image_by()
    {
        var repository = new RepositorySimulator();
        repository.AddTarget("fw", "x");
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();
        var target = (await client.FindAsync("fw"))!;

        client.Clock.Advance(TimeSpan.FromDays(2));

        Assert.Equal(TrustReason.NotReady, (await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("fw"))).Reason);
        Assert.Equal(
            TrustReason.NotReady,
            (await Assert.ThrowsAsync<TrustException>(() => client.Repository.DownloadAsync(target, client.Images, CancellationToken.None))).Reason);
    }

    [Fact]
    public async Task A_clock_set_back_a_little_does_not_void_a_refresh()
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        await client.RefreshAsync();
        client.Clock.AdjustTime(RepositorySimulator.Start.AddSeconds(-5));

        Assert.True(client.Repository.IsFresh);
    }

    private static RepositorySimulator Sim(object simulator) => (RepositorySimulator)simulator;

    private static void FastForward(RepositorySimulator repository)
    {
        repository.Documents["timestamp"]["version"] = 1000L;
        repository.Serve("timestamp");
    }

    private static void Recover(RepositorySimulator repository)
    {
        repository.Rotate("timestamp");
        repository.Rotate("snapshot");
        repository.Documents["timestamp"]["version"] = repository.Version("timestamp") >= 1000 ? 5L : repository.Version("timestamp");
        repository.Publish();
    }

    private static int Run(string program, params string[] args)
    {
        using var process = Process.Start(program, args);
        process.WaitForExit();
        return process.ExitCode;
    }
}
