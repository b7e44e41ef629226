using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Gatehouse.Trust;
using Xunit;

namespace Gatehouse.Tests.Trust;

/// <summary>A maker is gone and the successor it named goes on (docs/takeover.md), and everybody who tries the same without the right.</summary>
public sealed class TakeoverTests : IDisposable
{
    private const int SilenceDays = 180;
    private const int NoticeDays = 30;
    private readonly RepositorySimulator _repository = new();
    private readonly TestKey[] _parties = [TestKey.Ed25519("maker-heir"), TestKey.Ed25519("escrow"), TestKey.Ed25519("community")];
    private readonly TestClient _client;
    private readonly TestKey _makersTimestampKey;
    private readonly long _lastTimestamp;

    public TakeoverTests()
    {
        _repository.SetRole("successor", _parties, 2);
        _repository.Root["successor"] = new JsonObject { ["silence-days"] = SilenceDays, ["notice-days"] = NoticeDays };
        _repository.AddTarget("dvr/1.1.0", "the maker's last release");
        _repository.Publish();
        _makersTimestampKey = _repository.Signers["timestamp"][0];
        _lastTimestamp = _repository.Version("timestamp");
        _client = new TestClient(_repository);
        _client.RefreshAsync().GetAwaiter().GetResult();
        _client.Clock.AdjustTime(Declared.AddDays(NoticeDays + 1));
    }

    private static DateTimeOffset LastSeen => RepositorySimulator.Start.AddDays(10);

    private static DateTimeOffset Declared => LastSeen.AddDays(SilenceDays + 1);

    [Fact]
    public async Task After_the_silence_the_successor_goes_on_visibly()
    {
        Succeed();
        await _client.RefreshAsync();

        Assert.Equal(2, _client.Repository.Takeover!.FromRootVersion);
        Assert.Equal(["escrow", "community"], _client.Repository.Takeover.SignedBy);
        Assert.NotNull(await _client.FindAsync("dvr/1.2.0"));
        _client.Reopen();
        await _client.RefreshAsync();
        Assert.Equal(Declared, _client.Repository.Takeover!.Declared);
    }

    [Fact]
    public async Task A_client_that_never_knew_the_maker_walks_the_same_way()
    {
        Succeed();
        using var fresh = new TestClient(_repository);
        fresh.Clock.AdjustTime(Declared.AddYears(1));
        foreach (var document in _repository.Documents.Values) document["expires"] = RepositorySimulator.Date(Declared.AddYears(2));
        _repository.Publish();
        await fresh.RefreshAsync();

        Assert.NotNull(fresh.Repository.Takeover);
        Assert.Equal(4, fresh.KeptVersion("root"));
    }

    [Fact]
    public async Task A_blocked_mirror_and_a_clock_set_forward_start_nothing()
    {
        _client.Clock.AdjustTime(RepositorySimulator.Start.AddYears(10));
        var frozen = await _client.RefusalAsync();
        _repository.Transport.Tamper = (_, _) => throw new IOException("blocked");
        var blocked = await _client.RefusalAsync();

        Assert.Equal(TrustReason.Expired, frozen);
        Assert.Equal(TrustReason.Unavailable, blocked);
        Assert.Null(_client.Repository.Takeover);
        Assert.Equal(2, _client.KeptVersion("root"));
    }

    /// <summary>Everything that one thing wrong makes of a takeover.</summary>
    public static TheoryData<string, TrustReason, Action<object>> Abuses => new()
    {
        { "no statement", TrustReason.NotSigned, t => T(t).Succeed(withStatement: false) },
        { "one party alone", TrustReason.Takeover, t => T(t).Succeed(signers: ["escrow"]) },
        { "one party under two signatures of strangers", TrustReason.Takeover, t => T(t).Succeed(signers: ["escrow"], strangers: 2) },
        { "jumps early: one party saw the maker later", TrustReason.Takeover, t => T(t).Succeed(change: d => d["last-seen"]!["community"]!["at"] = RepositorySimulator.Date(LastSeen.AddDays(5))) },
        { "jumps early: declared too soon", TrustReason.Takeover, t => T(t).Succeed(change: d => d["declared"] = RepositorySimulator.Date(Declared.AddDays(-10))) },
        { "dated in the future", TrustReason.Takeover, t => T(t).Succeed(change: d => d["declared"] = RepositorySimulator.Date(Declared.AddDays(100))) },
        { "a party signs and does not say what it saw", TrustReason.Takeover, t => T(t).Succeed(change: d => d["last-seen"]!.AsObject().Remove("escrow")) },
        { "the maker may still object", TrustReason.Takeover, t => { T(t)._client.Clock.AdjustTime(Declared.AddDays(NoticeDays - 1)); T(t).Succeed(); } },
        { "for another root of the maker", TrustReason.Takeover, t => T(t).Succeed(change: d => d["maker-root"]!["sha256"] = new string('0', 64)) },
        { "for another root of the successor", TrustReason.Takeover, t => T(t).Succeed(change: d => d["new-root"]!["sha256"] = new string('0', 64)) },
        { "keeps the maker's online key", TrustReason.Takeover, t => T(t).Succeed(keepSnapshotKey: true) },
        { "another kind of document", TrustReason.Malformed, t => T(t).Succeed(change: d => d["_type"] = "timestamp") },
        { "a root not signed by itself", TrustReason.NotSigned, t => T(t).Succeed(rootSigner: TestKey.Ed25519()) },
    };

    [Theory, MemberData(nameof(Abuses))]
    public async Task An_abuse_is_refused(string why, TrustReason expected, Action<object> abuse)
    {
        abuse(this);

        Assert.True(expected == await _client.RefusalAsync(), why);
        Assert.Null(_client.Repository.Takeover);
        Assert.Equal(2, _client.KeptVersion("root"));
    }

    [Fact]
    public async Task A_maker_that_was_heard_since_is_not_gone()
    {
        // This client saw one timestamp more than the parties say they did.
        _client.Clock.AdjustTime(RepositorySimulator.Start);
        _repository.Serve("timestamp");
        await _client.RefreshAsync();
        _client.Clock.AdjustTime(Declared.AddDays(NoticeDays + 1));
        Succeed();

        Assert.Equal(TrustReason.Takeover, await _client.RefusalAsync());
    }

    [Fact]
    public async Task A_maker_that_speaks_up_during_the_takeover_keeps_its_place()
    {
        Succeed();
        // The mirror serves a new timestamp of the maker's own beside the successor's root.
        _repository.Documents["timestamp"]["version"] = _lastTimestamp + 1;
        _repository.Transport.Metadata["timestamp.json"] = _repository.Sign(_repository.Documents["timestamp"], [_makersTimestampKey]);

        Assert.Equal(TrustReason.Takeover, await _client.RefusalAsync());
        Assert.Null(_client.Repository.Takeover);
    }

    [Fact]
    public async Task A_maker_that_comes_back_after_the_takeover_finds_its_online_keys_worthless()
    {
        Succeed();
        await _client.RefreshAsync();
        _repository.Documents["timestamp"]["version"] = 100L;
        _repository.Transport.Metadata["timestamp.json"] = _repository.Sign(_repository.Documents["timestamp"], [_makersTimestampKey]);
        var comeback = await _client.RefusalAsync();

        // Not even the successor's own root can bring the old online key back.
        _repository.SetRole("timestamp", [_makersTimestampKey], 1);
        _repository.Signers["timestamp"] = [_makersTimestampKey];
        _repository.Publish("root");
        var invited = await _client.RefusalAsync();
        _client.Reopen();
        var afterRestart = await _client.RefusalAsync();

        Assert.Equal(TrustReason.NotSigned, comeback);
        Assert.Equal(TrustReason.Takeover, invited);
        Assert.Equal(TrustReason.Takeover, afterRestart);
    }

    [Fact]
    public async Task A_successor_goes_only_forward()
    {
        _client.Clock.AdjustTime(RepositorySimulator.Start);
        for (var i = 0; i < 3; i++) _repository.Publish("targets");
        // All three are timestamps that the parties saw too.
        await _client.RefreshAsync();
        _client.Clock.AdjustTime(Declared.AddDays(NoticeDays + 1));
        _repository.Targets["version"] = 1L;
        Succeed(change: d =>
        {
            foreach (var party in new[] { "escrow", "community" }) d["last-seen"]![party]!["timestamp-version"] = 100;
        });

        Assert.Equal(TrustReason.Rollback, await _client.RefusalAsync());
        _client.Reopen();
        Assert.Equal(TrustReason.Rollback, await _client.RefusalAsync());
    }

    [Fact]
    public async Task A_maker_that_named_no_successor_has_none()
    {
        _client.Clock.AdjustTime(RepositorySimulator.Start);
        _repository.Root.Remove("successor");
        _repository.Publish("root");
        await _client.RefreshAsync();
        _client.Clock.AdjustTime(Declared.AddDays(NoticeDays + 1));
        Succeed();

        Assert.Equal(TrustReason.NotSigned, await _client.RefusalAsync());
    }

    [Fact]
    public async Task A_statement_from_the_future_waits_for_its_day_even_where_no_notice_is_asked_for()
    {
        _client.Clock.AdjustTime(RepositorySimulator.Start);
        _repository.Root["successor"]!["notice-days"] = 0;
        _repository.Publish("root");
        await _client.RefreshAsync();
        _client.Clock.AdjustTime(Declared.AddDays(-10));
        Succeed(change: d =>
        {
            foreach (var party in new[] { "escrow", "community" }) d["last-seen"]![party]!["timestamp-version"] = 100;
        });
        var early = await _client.RefusalAsync();
        _client.Clock.AdjustTime(Declared);
        await _client.RefreshAsync();

        Assert.Equal(TrustReason.Takeover, early);
        Assert.NotNull(_client.Repository.Takeover);
    }

    [Fact]
    public async Task A_silence_shorter_than_a_month_is_not_taken_for_death()
    {
        using var client = new TestClient(_repository);
        _repository.Root["successor"]!["silence-days"] = 29;
        _repository.Publish("root");
        client.Clock.AdjustTime(RepositorySimulator.Start);

        Assert.Equal(TrustReason.Malformed, await client.RefusalAsync());
    }

    [Fact]
    public async Task The_power_may_fail_at_any_write_of_the_takeover()
    {
        Succeed();
        for (var cut = 0; ; cut++)
        {
            var left = cut;
            var lost = false;
            _client.Repository.Store.BeforeChange = _ =>
            {
                if (left-- == 0) throw new OperationCanceledException("power");
            };
            try
            {
                await _client.RefreshAsync();
            }
            catch (OperationCanceledException)
            {
                lost = true;
            }

            if (!lost) break;
            _client.Reopen();
        }

        Assert.NotNull(await _client.FindAsync("dvr/1.2.0"));
        Assert.NotNull(_client.Repository.Takeover);
    }

    public void Dispose() => _client.Dispose();

    private static TakeoverTests T(object test) => (TakeoverTests)test;

    /// <summary>The parties sign what they saw; a new root with new keys follows, and a new release.</summary>
    private void Succeed(
        string[]? signers = null, int strangers = 0, Action<JsonObject>? change = null, bool withStatement = true, bool keepSnapshotKey = false, TestKey? rootSigner = null)
    {
        signers ??= ["escrow", "community"];
        var makerRoot = _repository.Transport.Metadata[$"{_repository.Version("root")}.root.json"];
        var next = _repository.Version("root") + 1;
        foreach (var role in new[] { "root", "timestamp", "snapshot", "targets" })
        {
            if (role == "snapshot" && keepSnapshotKey) continue;
            _repository.Signers[role] = [TestKey.Ed25519()];
            _repository.SetRole(role, _repository.Signers[role], 1);
        }

        if (rootSigner is not null) _repository.Signers["root"] = [rootSigner];
        foreach (var document in _repository.Documents.Values) document["expires"] = RepositorySimulator.Date(Declared.AddYears(1));
        _repository.AddTarget("dvr/1.2.0", "the successor's first release");
        _repository.Publish();

        var statement = new JsonObject
        {
            ["_type"] = "takeover", ["spec_version"] = "1.0.34", ["declared"] = RepositorySimulator.Date(Declared),
            ["maker-root"] = Hash(makerRoot), ["new-root"] = Hash(_repository.Transport.Metadata[$"{next}.root.json"]),
            ["last-seen"] = new JsonObject(signers.Select(s => KeyValuePair.Create<string, JsonNode?>(
                s, new JsonObject { ["timestamp-version"] = _lastTimestamp, ["at"] = RepositorySimulator.Date(LastSeen) }))),
        };
        change?.Invoke(statement);
        var keys = _parties.Where(p => signers.Contains(p.Id)).Concat(Enumerable.Range(0, strangers).Select(_ => TestKey.Ed25519()));
        if (withStatement) _repository.Transport.Metadata[$"{next}.takeover.json"] = _repository.Sign(statement, keys);
    }

    private static JsonObject Hash(byte[] bytes) => new() { ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes)) };
}
