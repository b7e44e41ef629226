using System.Text.RegularExpressions;
using Gatehouse.Trust;
using Xunit;

namespace Gatehouse.Tests.Trust;

/// <summary>The rows of docs/attacks.md that no other test carries out, and a check that every row has its test.</summary>
public sealed partial class AttackTests : IDisposable
{
    private readonly RepositorySimulator _maker = new();
    private readonly TestClient _home;
    private readonly TestKey[] _holders = [TestKey.Ed25519(), TestKey.Ed25519(), TestKey.Ed25519()];

    public AttackTests()
    {
        // As gatehouse-maker makes it: two of three for targets, online keys apart.
        _maker.SetRole("targets", _holders, 2);
        _maker.Signers["targets"] = [_holders[0], _holders[1]];
        _maker.AddTarget("dvr", "release 1");
        _maker.SnapshotHashes = true;
        _maker.Publish();
        _home = new TestClient(_maker);
        _home.RefreshAsync().GetAwaiter().GetResult();
    }

    [Fact]
    public async Task Arbitrary_software_a_mirror_makes_up_a_release()
    {
        _maker.AddTarget("dvr", "evil");
        _maker.Signers["targets"] = [TestKey.Ed25519(), TestKey.Ed25519()];
        _maker.Publish("targets");

        Assert.Equal(TrustReason.NotSigned, await _home.RefusalAsync());
    }

    [Fact]
    public async Task One_vendor_key_stolen_signs_nothing()
    {
        _maker.AddTarget("dvr", "evil");
        _maker.Signers["targets"] = [_holders[2], _holders[2].Alias("again"), TestKey.Ed25519()];
        _maker.Publish("targets");

        Assert.Equal(TrustReason.NotSigned, await _home.RefusalAsync());
    }

    [Fact]
    public async Task Two_vendor_keys_stolen_are_replaced_by_the_root_and_worth_nothing_from_then_on()
    {
        var fresh = new[] { TestKey.Ed25519(), TestKey.Ed25519(), _holders[2] };
        _maker.SetRole("targets", fresh, 2);
        _maker.Signers["targets"] = [fresh[0], fresh[2]];
        _maker.Publish();
        await _home.RefreshAsync();

        _maker.AddTarget("dvr", "evil");
        _maker.Signers["targets"] = [_holders[0], _holders[1]];
        _maker.Publish("targets");

        Assert.Equal(TrustReason.NotSigned, await _home.RefusalAsync());
    }

    [Fact]
    public async Task Online_server_taken_its_keys_can_neither_sign_a_release_nor_bring_an_old_one_back()
    {
        var old = (_maker.Transport.Metadata["2.targets.json"], _maker.Version("targets"));
        _maker.AddTarget("dvr", "release 2");
        _maker.Publish("targets");
        await _home.RefreshAsync();

        // The thief has the timestamp and snapshot keys, so both are freshly signed; the release is an old one.
        _maker.Documents["snapshot"]["meta"]!["targets.json"] = new System.Text.Json.Nodes.JsonObject { ["version"] = old.Item2 };
        _maker.Publish("snapshot");
        var oldRelease = await _home.RefusalAsync();
        _maker.AddTarget("dvr", "evil");
        _maker.Signers["targets"] = [_maker.Signers["timestamp"][0], _maker.Signers["snapshot"][0]];
        _maker.Documents["targets"]["version"] = 100L;
        _maker.Publish("targets");
        var newRelease = await _home.RefusalAsync();

        Assert.Equal(TrustReason.Rollback, oldRelease);
        Assert.Equal(TrustReason.NotSigned, newRelease);
    }

    [Fact]
    public async Task Rollback_an_old_timestamp_is_served_again()
    {
        var old = _maker.Transport.Metadata["timestamp.json"];
        _maker.Publish("targets");
        await _home.RefreshAsync();
        _maker.Transport.Metadata["timestamp.json"] = old;

        Assert.Equal(TrustReason.Rollback, await _home.RefusalAsync());
    }

    [Fact]
    public async Task Rollback_the_snapshot_forgets_a_role()
    {
        _maker.Documents["snapshot"]["meta"]!["lamp.json"] = new System.Text.Json.Nodes.JsonObject { ["version"] = 3 };
        _maker.Publish("snapshot");
        await _home.RefreshAsync();
        _maker.Documents["snapshot"]["meta"]!.AsObject().Remove("lamp.json");
        _maker.Publish("snapshot");

        Assert.Equal(TrustReason.Rollback, await _home.RefusalAsync());
    }

    [Fact]
    public async Task Freeze_a_mirror_that_never_changes_is_noticed_when_its_timestamp_runs_out()
    {
        _home.Clock.Advance(TimeSpan.FromDays(31));

        Assert.Equal(TrustReason.Expired, await _home.RefusalAsync());
    }

    [Theory, InlineData("root"), InlineData("timestamp"), InlineData("snapshot"), InlineData("targets")]
    public async Task Freeze_each_role_has_a_date_of_its_own(string role)
    {
        foreach (var (name, document) in _maker.Documents)
        {
            document["expires"] = RepositorySimulator.Date(RepositorySimulator.Start.AddDays(name == role ? 1 : 300));
        }

        _maker.Publish();
        _home.Clock.Advance(TimeSpan.FromDays(2));

        Assert.Equal(TrustReason.Expired, await _home.RefusalAsync());
    }

    [Fact]
    public async Task Mix_and_match_metadata_of_two_moments_does_not_fit_together()
    {
        var first = _maker.Transport.Metadata["2.targets.json"];
        _maker.AddTarget("dvr", "release 2");
        _maker.Publish("targets");
        _maker.Transport.Metadata["3.targets.json"] = first;
        var byHash = await _home.RefusalAsync();
        _maker.SnapshotHashes = false;
        _maker.Publish("targets");
        _maker.Transport.Metadata["4.targets.json"] = first;
        var byVersion = await _home.RefusalAsync();

        Assert.Equal(TrustReason.HashMismatch, byHash);
        Assert.Equal(TrustReason.WrongVersion, byVersion);
    }

    [Fact]
    public async Task Mix_and_match_the_snapshot_is_the_one_the_timestamp_names()
    {
        _maker.Publish("targets");
        await _home.RefreshAsync();
        _maker.Publish("targets");
        var version = _maker.Version("snapshot");
        _maker.Transport.Metadata[$"{version}.snapshot.json"] = _maker.Transport.Metadata[$"{version - 1}.snapshot.json"];
        var byHash = await _home.RefusalAsync();
        _maker.Documents["timestamp"]["meta"]!["snapshot.json"]!.AsObject().Remove("hashes");
        _maker.Documents["timestamp"]["meta"]!["snapshot.json"]!.AsObject().Remove("length");
        _maker.Serve("timestamp");

        Assert.Equal(TrustReason.HashMismatch, byHash);
        Assert.Equal(TrustReason.WrongVersion, await _home.RefusalAsync());
    }

    [Fact]
    public async Task Rollback_a_new_timestamp_may_not_name_an_older_snapshot()
    {
        _maker.Publish("targets");
        await _home.RefreshAsync();
        _maker.Documents["timestamp"]["meta"]!["snapshot.json"]!["version"] = 1L;
        _maker.Serve("timestamp");

        Assert.Equal(TrustReason.Rollback, await _home.RefusalAsync());
        Assert.Equal(3, _home.KeptVersion("timestamp"));
    }

    [Fact]
    public async Task Wrong_software_another_genuine_image_is_sent_in_the_place_of_the_one_asked_for()
    {
        var other = _maker.AddTarget("lamp", "genuine, but a lamp's");
        _maker.Publish("targets");
        await _home.RefreshAsync();
        foreach (var name in _maker.Transport.Targets.Keys.Where(n => n.EndsWith(".dvr", StringComparison.Ordinal)).ToList()) _maker.Transport.Targets[name] = other;

        Assert.Equal(TrustReason.HashMismatch, (await Assert.ThrowsAsync<TrustException>(() => _home.DownloadAsync("dvr"))).Reason);
    }

    [Fact]
    public async Task Dropped_requests_leave_the_last_good_state_and_say_so()
    {
        _maker.Transport.Tamper = (_, _) => throw new IOException("dropped");

        Assert.Equal(TrustReason.Unavailable, await _home.RefusalAsync());
        _maker.Transport.Tamper = (_, stream) => stream;
        await _home.RefreshAsync();
    }

    [Fact]
    public async Task A_thief_of_root_keys_below_the_threshold_changes_no_root()
    {
        var three = new[] { TestKey.Ed25519(), TestKey.Ed25519(), TestKey.Ed25519() };
        _maker.SetRole("root", three, 2);
        _maker.Signers["root"] = [_maker.Signers["root"][0], .. three];
        _maker.Publish();
        await _home.RefreshAsync();

        // New keys of the thief's own fulfil the new root's threshold; the old root's is not met.
        var thief = new[] { TestKey.Ed25519(), TestKey.Ed25519() };
        _maker.SetRole("root", thief, 2);
        _maker.Signers["root"] = [three[0], .. thief];
        _maker.Publish();
        var byOldKeys = await _home.RefusalAsync();
        _maker.Root["version"] = _maker.Version("root") - 1;
        _maker.Signers["root"] = [three[0], three[1], thief[0]];
        _maker.Publish();

        Assert.Equal(TrustReason.NotSigned, byOldKeys);
        Assert.Equal(TrustReason.NotSigned, await _home.RefusalAsync());
        Assert.Equal(3, _home.KeptVersion("root"));
    }

    [Fact]
    public void Every_attack_of_the_table_names_a_test_that_is_there()
    {
        var repository = Repository();
        var tests = Directory.EnumerateFiles(Path.Combine(repository, "tests"), "*.cs", SearchOption.AllDirectories)
            .GroupBy(f => Path.GetFileNameWithoutExtension(f), StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => string.Concat(g.Select(File.ReadAllText)), StringComparer.Ordinal);
        var named = TestName().Matches(File.ReadAllText(Path.Combine(repository, "docs", "attacks.md")) + File.ReadAllText(Path.Combine(repository, "docs", "takeover.md")));

        Assert.True(named.Count > 40, $"only {named.Count} tests are named");
        foreach (var (type, method) in named.Select(m => (m.Groups[1].Value, m.Groups[2].Value)))
        {
            Assert.True(tests.TryGetValue(type, out var source) && source.Contains($" {method}(", StringComparison.Ordinal), $"{type}.{method} is named in docs and is not there");
        }
    }

    public void Dispose() => _home.Dispose();

    private static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Gatehouse.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("Gatehouse.slnx");
        return folder;
    }

    [GeneratedRegex(@"`(\w+Tests)\.(\w+)`")]
    private static partial Regex TestName();
}
