using System.Text;
using System.Text.Json.Nodes;
using Gatehouse.Trust;
using Gatehouse.Trust.Metadata;
using Xunit;

namespace Gatehouse.Tests.Trust;

/// <summary>Repositories and mirrors that lie, send too much, too slowly, or what two readers could read differently.</summary>
public sealed class HostileRepositoryTests
{
    /// <summary>Changes to a new root that is otherwise well signed; none may become trusted.</summary>
    public static TheoryData<string, TrustReason, Action<object>> BadRoots => new()
    {
        { "threshold 0", TrustReason.Malformed, s => Role(s, "targets")["threshold"] = 0 },
        { "threshold below 0", TrustReason.Malformed, s => Role(s, "snapshot")["threshold"] = -1 },
        { "threshold as text", TrustReason.Malformed, s => Role(s, "snapshot")["threshold"] = "1" },
        { "a key id twice in a role", TrustReason.Malformed, s => Role(s, "targets")["keyids"]!.AsArray().Add((JsonNode)Role(s, "targets")["keyids"]![0]!.GetValue<string>()) },
        { "no timestamp role", TrustReason.Malformed, s => Root(s)["roles"]!.AsObject().Remove("timestamp") },
        { "version 0", TrustReason.Malformed, s => Root(s)["version"] = -1L },
        { "version skipped", TrustReason.WrongVersion, s => Root(s)["version"] = 2L },
        { "a date without time", TrustReason.Malformed, s => Root(s)["expires"] = "2030-01-01" },
        { "a date with another zone", TrustReason.Malformed, s => Root(s)["expires"] = "2030-01-01T00:00:00+01:00" },
        { "a specification of the future", TrustReason.Malformed, s => Root(s)["spec_version"] = "2.0.0" },
        { "another role's type", TrustReason.WrongRole, s => Root(s)["_type"] = "targets" },
        { "keys as a list", TrustReason.Malformed, s => Root(s)["keys"] = new JsonArray() },
    };

    [Theory, MemberData(nameof(BadRoots))]
    public async Task A_bad_root_is_refused(string why, TrustReason expected, Action<object> change)
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        change(repository);
        repository.Root["version"] = repository.Version("root") + 1;
        repository.Transport.Metadata["2.root.json"] = repository.Sign(repository.Root, repository.Signers["root"]);

        Assert.True(expected == await client.RefusalAsync(), why);
        Assert.Equal(1, client.KeptVersion("root"));
    }

    [Fact]
    public async Task One_key_under_ten_ids_is_one_key()
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        var key = TestKey.Ed25519();
        var aliases = Enumerable.Range(0, 10).Select(i => key.Alias($"alias-{i}")).ToList();
        repository.SetRole("snapshot", aliases, 6);
        repository.Signers["snapshot"] = aliases;
        repository.Publish();

        Assert.Equal(TrustReason.NotSigned, await client.RefusalAsync());
    }

    [Fact]
    public async Task Keys_of_unknown_kinds_do_not_disturb_and_do_not_count()
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        var known = TestKey.Ed25519();
        var future = TestKey.Ed25519();
        future.Public["keytype"] = "ml-dsa";
        future.Public["scheme"] = "ml-dsa-65";
        repository.SetRole("targets", [future], 1);
        repository.Signers["targets"] = [future];
        repository.Publish();
        var refused = await client.RefusalAsync();

        repository.SetRole("targets", [future, known], 1);
        repository.Signers["targets"] = [future, known];
        repository.Publish();
        await client.RefreshAsync();

        Assert.Equal(TrustReason.NotSigned, refused);
    }

    public static TheoryData<string, TrustReason, string> BadFiles => new()
    {
        { "empty", TrustReason.Malformed, "" },
        { "not JSON", TrustReason.Malformed, "<html>" },
        { "a list", TrustReason.Malformed, "[]" },
        { "no signatures", TrustReason.Malformed, """{"signed":{"_type":"timestamp"}}""" },
        { "signatures twice", TrustReason.Malformed, """{"signatures":[],"signatures":[],"signed":{"_type":"timestamp"}}""" },
        { "signed twice", TrustReason.Malformed, """{"signatures":[],"signed":{"_type":"timestamp"},"signed":{"_type":"timestamp"}}""" },
        { "a name twice", TrustReason.Malformed, """{"signatures":[],"signed":{"_type":"timestamp","version":1,"version":2}}""" },
        { "a name twice, not side by side", TrustReason.Malformed, """{"signatures":[],"signed":{"b":1,"a":1,"b":2}}""" },
        { "a name twice, once escaped", TrustReason.Malformed, """{"signatures":[],"signed":{"b":1,"\u0062":2}}""" },
        { "a fraction", TrustReason.Malformed, """{"signatures":[],"signed":{"version":1.5}}""" },
        { "half a surrogate", TrustReason.Malformed, """{"signatures":[],"signed":{"a":"\ud800"}}""" },
        { "something after the end", TrustReason.Malformed, """{"signatures":[],"signed":{}} {}""" },
        { "a comment", TrustReason.Malformed, """{"signatures":[],"signed":{/* */}}""" },
        { "a signature by two names", TrustReason.Malformed, """{"signatures":[{"keyid":"a","sig":"00"},{"keyid":"a","sig":"01"}],"signed":{}}""" },
        { "deeper than it needs to be", TrustReason.Malformed, """{"signatures":[],"signed":{"a":""" + new string('[', 100) + new string(']', 100) + "}}" },
        { "a million brackets", TrustReason.TooLarge, new string('[', 1_000_000) },
    };

    [Theory, MemberData(nameof(BadFiles))]
    public async Task A_timestamp_that_is_no_timestamp_is_refused(string why, TrustReason expected, string content)
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        repository.Transport.Metadata["timestamp.json"] = Encoding.UTF8.GetBytes(content);

        Assert.True(expected == await client.RefusalAsync(), why);
        Assert.Null(client.KeptVersion("timestamp"));
    }

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_refused()
    {
        byte[] file = [.. "{\"signatures\":[],\"signed\":{\"a\":\""u8, 0xC0, 0xAF, .. "\"}}"u8];

        Assert.Equal(TrustReason.Malformed, SignedFile.TryRead(file, "timestamp", TrustLimits.Default, out _)?.Reason);
        Assert.Null(SignedFile.TryRead(file.Select(b => (byte)(b & 0x7F)).ToArray(), "timestamp", TrustLimits.Default, out _));
    }

    [Fact]
    public async Task More_signatures_than_anybody_needs_are_refused()
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository, TrustLimits.Default with { Signatures = 3 });
        repository.Signers["snapshot"] = [.. Enumerable.Range(0, 4).Select(_ => TestKey.Ed25519())];
        repository.Publish();

        Assert.Equal(TrustReason.Malformed, await client.RefusalAsync());
    }

    [Theory, InlineData("2.root.json"), InlineData("timestamp.json"), InlineData("1.snapshot.json"), InlineData("1.targets.json")]
    public async Task Endless_metadata_stops_at_the_limit(string file)
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        var endless = new EndlessStream();
        repository.Transport.Tamper = (name, stream) => name == file ? endless : stream;

        Assert.Equal(TrustReason.TooLarge, await client.RefusalAsync());
        Assert.True(endless.Sent <= TrustLimits.Default.TargetsBytes + 64 * 1024, $"{endless.Sent} bytes were taken");
    }

    [Fact]
    public async Task A_file_longer_than_announced_is_not_read_to_its_end()
    {
        var repository = new RepositorySimulator { SnapshotHashes = true };
        repository.Publish();
        using var client = new TestClient(repository);
        var endless = new EndlessStream();
        repository.Transport.Tamper = (name, stream) => name == "2.targets.json" ? endless : stream;

        Assert.Equal(TrustReason.TooLarge, await client.RefusalAsync());
        Assert.True(endless.Sent < 8 * 1024, $"{endless.Sent} bytes were taken");
    }

    [Theory, InlineData("timestamp.json"), InlineData("1.targets.json")]
    public async Task A_mirror_that_falls_silent_is_given_up(string file)
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        repository.Transport.Tamper = (name, stream) => name == file ? new SilentStream(client.Clock) : stream;

        Assert.Equal(TrustReason.TooSlow, await client.RefusalAsync());
    }

    [Fact]
    public async Task A_byte_now_and_then_does_not_keep_an_update_waiting_for_ever()
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        // Never silent long enough to be given up for that.
        repository.Transport.Tamper = (name, stream) => name == "timestamp.json" ? new DrippingStream(stream!, client.Clock, TimeSpan.FromSeconds(20)) : stream;

        Assert.Equal(TrustReason.TooSlow, await client.RefusalAsync());
        Assert.True(client.Clock.GetUtcNow() - RepositorySimulator.Start < TimeSpan.FromMinutes(6));
    }

    [Fact]
    public async Task An_image_that_drips_is_given_up()
    {
        var repository = new RepositorySimulator();
        repository.AddTarget("fw.bin", new string('x', 100_000));
        repository.Publish();
        using var client = new TestClient(repository);
        await client.RefreshAsync();
        repository.Transport.Tamper = (_, stream) => new DrippingStream(stream!, client.Clock, TimeSpan.FromSeconds(1));

        var refused = await Assert.ThrowsAsync<TrustException>(() => client.DownloadAsync("fw.bin"));

        Assert.Equal(TrustReason.TooSlow, refused.Reason);
        Assert.True(client.Clock.GetUtcNow() - RepositorySimulator.Start < TimeSpan.FromMinutes(2));
        Assert.Empty(Directory.EnumerateFiles(client.Images));
    }

    [Fact]
    public async Task More_root_versions_than_a_client_follows_end_the_walk_and_go_on_next_time()
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository, TrustLimits.Default with { RootRotations = 5 });
        for (var i = 0; i < 7; i++) repository.Publish("root");

        await client.RefreshAsync();
        var first = client.KeptVersion("root");
        await client.RefreshAsync();

        Assert.Equal(6, first);
        Assert.Equal(8, client.KeptVersion("root"));
    }

    [Theory, InlineData("timestamp", "snapshot"), InlineData("snapshot", "targets"), InlineData("targets", "snapshot"), InlineData("timestamp", "root")]
    public async Task One_role_in_the_place_of_another_is_refused_even_with_the_same_key(string place, string served)
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        var key = repository.Signers["root"][0];
        foreach (var role in new[] { "timestamp", "snapshot", "targets" })
        {
            repository.Signers[role] = [key];
            repository.SetRole(role, [key], 1);
        }

        repository.Publish();
        var name = place == "timestamp" ? "timestamp.json" : $"2.{place}.json";
        repository.Transport.Metadata[name] = repository.Transport.Metadata[$"2.{served}.json"];

        Assert.Equal(TrustReason.WrongRole, await client.RefusalAsync());
    }

    [Theory, InlineData("root"), InlineData("timestamp"), InlineData("snapshot"), InlineData("targets")]
    public async Task A_kept_file_past_its_limit_is_not_even_read(string role)
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        await client.RefreshAsync();
        var files = new Dictionary<string, ReadOnlyMemory<byte>>();
        foreach (var name in new[] { "root", "timestamp", "snapshot", "targets" }) files[name] = await File.ReadAllBytesAsync(Path.Combine(client.Metadata, name + ".json"));
        var limits = role switch
        {
            "root" => TrustLimits.Default with { RootBytes = 10 },
            "timestamp" => TrustLimits.Default with { TimestampBytes = 10 },
            "snapshot" => TrustLimits.Default with { SnapshotBytes = 10 },
            _ => TrustLimits.Default with { TargetsBytes = 10 },
        };

        var refusal = TrustedMetadataSet.TryStart(files["root"], RepositorySimulator.Start, limits, out var set)
            ?? set!.UpdateTimestamp(files["timestamp"]).Refusal
            ?? set.UpdateSnapshot(files["snapshot"]).Refusal
            ?? set.UpdateTargets(files["targets"]).Refusal;

        Assert.Equal(TrustReason.TooLarge, refusal!.Reason);
    }

    [Fact]
    public async Task Without_the_network_the_reason_is_that()
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        repository.Transport.Tamper = (_, _) => throw new IOException("no route to host");

        Assert.Equal(TrustReason.Unavailable, await client.RefusalAsync());
    }

    private static JsonObject Root(object simulator) => ((RepositorySimulator)simulator).Root;

    private static JsonObject Role(object simulator, string role) => Root(simulator)["roles"]![role]!.AsObject();
}
