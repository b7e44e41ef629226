using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gatehouse.Trust;
using Gatehouse.Trust.Metadata;
using Xunit;

namespace Gatehouse.Tests.Trust;

public sealed class DelegationTests
{
    [Fact]
    public async Task A_role_in_the_cache_is_verified_again_when_another_role_names_it_with_other_keys()
    {
        var repository = new RepositorySimulator();
        repository.Delegate("targets", "a", ["a/*", "shared/*"]);
        repository.Delegate("targets", "b", ["b/*"]);
        repository.Delegate("a", "common", ["a/*"]);
        repository.Delegate("b", "common", ["b/*"], key: TestKey.Ed25519());
        repository.AddTarget("a/fw", "1", "common");
        repository.AddTarget("b/fw", "2", "common");
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        var byA = await client.FindAsync("a/fw");
        var byB = await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("b/fw"));
        client.Reopen();
        await client.RefreshAsync();
        var byBFromDisk = await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("b/fw"));

        Assert.NotNull(byA);
        Assert.Equal(TrustReason.NotSigned, byB.Reason);
        Assert.Equal(TrustReason.NotSigned, byBFromDisk.Reason);
    }

    [Fact]
    public async Task Ten_thousand_delegations_are_searched_without_fetching_more_than_one()
    {
        var repository = new RepositorySimulator();
        var key = TestKey.Ed25519();
        for (var i = 0; i < 10_000; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"maker-{i}");
            if (i == 9_999) repository.Documents[name] = RepositorySimulator.NewTargets();
            var delegation = RepositorySimulator.RoleOf([key], 1);
            delegation["name"] = name;
            delegation["terminating"] = true;
            delegation["paths"] = new JsonArray((JsonNode)$"{name}/*");
            var delegations = repository.DelegationsOf("targets");
            delegations["keys"]![key.Id] ??= key.Public.DeepClone();
            delegations["roles"] ??= new JsonArray();
            delegations["roles"]!.AsArray().Add((JsonNode)delegation);
        }

        repository.Signers["maker-9999"] = [key];
        repository.AddTarget("maker-9999/fw", "the last one", "maker-9999");
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();
        repository.Transport.Requests.Clear();

        var found = await client.FindAsync("maker-9999/fw");
        var none = await client.FindAsync("nobody/fw");

        Assert.NotNull(found);
        Assert.Null(none);
        Assert.Equal(["1.maker-9999.json"], repository.Transport.Requests);
    }

    [Fact]
    public async Task More_delegations_than_the_limit_are_refused()
    {
        var repository = new RepositorySimulator();
        for (var i = 0; i < 4; i++) repository.Delegate("targets", $"role-{i}", [$"{i}/*"]);
        repository.Publish();
        using var client = new TestClient(repository, TrustLimits.Default with { Delegations = 3 });

        Assert.Equal(TrustReason.Malformed, await client.RefusalAsync());
    }

    [Fact]
    public async Task A_chain_of_roles_made_to_keep_a_client_busy_ends_at_the_limit()
    {
        var repository = new RepositorySimulator();
        var before = "targets";
        for (var i = 0; i < 20; i++)
        {
            repository.Delegate(before, $"link-{i}", ["*"]);
            before = $"link-{i}";
        }

        repository.AddTarget("fw", "x", "link-19");
        repository.Publish();
        using var client = new TestClient(repository, TrustLimits.Default with { VisitedRoles = 10 });
        await client.RefreshAsync();
        repository.Transport.Requests.Clear();

        Assert.Null(await client.FindAsync("fw"));
        Assert.Equal(9, repository.Transport.Requests.Count);
    }

    [Theory, InlineData("root"), InlineData("timestamp"), InlineData("snapshot"), InlineData("targets"), InlineData("")]
    public async Task A_delegated_role_may_not_take_the_name_of_a_top_level_role(string name)
    {
        var repository = new RepositorySimulator();
        repository.Delegate("targets", "harmless", ["*"])["name"] = name;
        repository.Publish("targets");
        using var client = new TestClient(repository);

        Assert.Equal(TrustReason.Malformed, await client.RefusalAsync());
    }

    [Theory, InlineData("../../etc/passwd"), InlineData("a/b"), InlineData(".."), InlineData("root.json"), InlineData("%2e%2e"), InlineData("ünïcode ✓"), InlineData("a\nb")]
    public async Task A_role_name_is_one_file_name_whatever_it_says(string name)
    {
        var repository = new RepositorySimulator();
        repository.Delegate("targets", name, ["*"]);
        repository.AddTarget("fw", "x", name);
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        Assert.NotNull(await client.FindAsync("fw"));
        Assert.Contains(RoleName.Encode(name) + ".json", Directory.EnumerateFiles(client.Metadata).Select(f => Path.GetFileName(f)));
        Assert.Equal(5, Directory.EnumerateFiles(client.Metadata, "*.json").Count());
    }

    [Fact]
    public async Task A_role_may_speak_only_for_the_paths_it_was_given()
    {
        var repository = new RepositorySimulator();
        repository.Delegate("targets", "lamp", ["lamp/*"]);
        repository.AddTarget("camera/fw", "not the lamp's business", "lamp");
        repository.AddTarget("lamp/fw", "fine", "lamp");
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        Assert.Null(await client.FindAsync("camera/fw"));
        Assert.Equal(["timestamp", "snapshot", "targets", "lamp"], (await client.FindAsync("lamp/fw"))!.Reason.Roles.Select(r => r.Role));
    }

    [Fact]
    public async Task Hashed_bins_hold_each_path_in_the_bin_of_its_hash()
    {
        var repository = new RepositorySimulator();
        const string Path = "some/firmware.bin";
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path)));
        foreach (var digit in "0123456789abcdef")
        {
            var delegation = repository.Delegate("targets", "bin-" + digit, []);
            delegation.Remove("paths");
            delegation["path_hash_prefixes"] = new JsonArray((JsonNode)digit.ToString());
            // Every bin claims it; only one may.
            repository.AddTarget(Path, "by bin " + digit, "bin-" + digit);
        }

        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        Assert.Equal("bin-" + hash[0], (await client.FindAsync(Path))!.Reason.Roles[^1].Role);
    }

    [Theory, InlineData(1), InlineData(5), InlineData(8), InlineData(13)]
    public async Task Succinct_bins_hold_each_path_in_the_bin_of_its_first_bits(int bits)
    {
        var repository = new RepositorySimulator();
        const string Path = "some/firmware.bin";
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(Path));
        var bin = ((hash[0] << 8) | hash[1]) >> (16 - bits);
        var name = "bins-" + bin.ToString("x" + ((bits + 3) / 4), CultureInfo.InvariantCulture);
        var key = TestKey.Ed25519();
        repository.Signers[name] = [key];
        repository.Documents[name] = RepositorySimulator.NewTargets();
        var delegations = repository.DelegationsOf("targets");
        delegations["keys"]![key.Id] = key.Public.DeepClone();
        delegations["succinct_roles"] = RepositorySimulator.RoleOf([key], 1);
        delegations["succinct_roles"]!["bit_length"] = bits;
        delegations["succinct_roles"]!["name_prefix"] = "bins";
        repository.AddTarget(Path, "x", name);
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        Assert.Equal(name, (await client.FindAsync(Path))!.Reason.Roles[^1].Role);
    }

    [Fact]
    public async Task A_terminating_delegation_has_the_last_word()
    {
        var repository = new RepositorySimulator();
        repository.Delegate("targets", "first", ["x/*"], terminating: true);
        repository.Delegate("targets", "second", ["x/*"]);
        repository.AddTarget("x/fw", "from second", "second");
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        Assert.Null(await client.FindAsync("x/fw"));
    }

    [Fact]
    public async Task A_delegated_role_past_its_date_ends_the_search()
    {
        var repository = new RepositorySimulator();
        repository.Delegate("targets", "lamp", ["lamp/*"]);
        repository.AddTarget("lamp/fw", "x", "lamp");
        repository.Documents["lamp"]["expires"] = RepositorySimulator.Date(RepositorySimulator.Start.AddDays(3));
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();
        Assert.NotNull(await client.FindAsync("lamp/fw"));

        client.Clock.Advance(TimeSpan.FromDays(5));
        await client.RefreshAsync();

        Assert.Equal(TrustReason.Expired, (await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("lamp/fw"))).Reason);
    }

    // The next two are scenarios of the public suite that are not among the recorded ones.
    [Fact]
    public async Task A_delegated_role_that_comes_expired_is_not_kept_and_the_top_level_is_fine()
    {
        var repository = new RepositorySimulator();
        repository.Delegate("targets", "lamp", ["lamp/*"]);
        repository.AddTarget("lamp/fw", "x", "lamp");
        repository.Documents["lamp"]["expires"] = RepositorySimulator.Date(RepositorySimulator.Start.AddDays(-1));
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        Assert.Equal(TrustReason.Expired, (await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("lamp/fw"))).Reason);
        Assert.Null(client.KeptVersion("lamp"));
        Assert.Empty(repository.Transport.TargetRequests);
    }

    [Fact]
    public async Task A_kept_delegated_role_that_has_expired_is_replaced_by_a_newer_one()
    {
        var repository = new RepositorySimulator();
        repository.Delegate("targets", "lamp", ["lamp/*"]);
        repository.AddTarget("lamp/fw", "x", "lamp");
        repository.Documents["lamp"]["expires"] = RepositorySimulator.Date(RepositorySimulator.Start.AddDays(7));
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();
        await client.FindAsync("lamp/fw");
        repository.Documents["lamp"]["expires"] = RepositorySimulator.Date(RepositorySimulator.Start.AddDays(21));
        repository.Publish("lamp");
        client.Clock.Advance(TimeSpan.FromDays(18));
        await client.RefreshAsync();

        Assert.NotNull(await client.FindAsync("lamp/fw"));
        Assert.Equal(2, client.KeptVersion("lamp"));
    }

    public static TheoryData<string, string, bool> Patterns => new()
    {
        { "*", "a", true },
        { "*", "a/b", false },
        { "*/*", "a/b", true },
        { "a*c", "abbbc", true },
        { "a*c", "ab/bc", false },
        { "a?c", "abc", true },
        { "a?c", "a/c", false },
        { "*.bin", "x.bin", true },
        { "A*", "abc", false },
        { "a*b*c", "aXbYbZc", true },
        { "", "", true },
        { "", "a", false },
        { "**", "ab", true },
        { "a[bc]", "a[bc]", true },
        { new string('*', 50) + "x", new string('a', 2000), false },
    };

    [Theory, MemberData(nameof(Patterns))]
    public void A_path_pattern_matches_within_segments(string pattern, string path, bool matches) => Assert.Equal(matches, PathPattern.Matches(pattern, path));
}
