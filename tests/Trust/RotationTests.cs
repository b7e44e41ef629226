using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gatehouse.Trust;
using Gatehouse.Trust.Keys;
using Gatehouse.Trust.Metadata;
using Xunit;

namespace Gatehouse.Tests.Trust;

/// <summary>Roles that change or revoke their own keys (TAP 8, TAP 20) without asking whoever delegated to them.</summary>
public sealed class RotationTests
{
    [Fact]
    public async Task A_role_moves_to_new_keys_twice_and_its_delegator_does_nothing()
    {
        var (repository, first) = WithRole();
        var (second, third) = (TestKey.Ed25519(), TestKey.Ed25519());
        var name = Rotate(repository, [first], 1, null, "", [second], 1, signers: [first]);
        Rotate(repository, [second], 1, repository.Transport.Metadata[$"1.{RoleName.Encode(name)}.json"], name, [second, third], 2, signers: [second]);
        repository.Signers["alice"] = [second, third];
        repository.Publish("alice");
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        var found = await client.FindAsync("alice/fw");
        var image = await client.DownloadAsync("alice/fw");
        var restored = await client.Repository.RestoreAsync(image.Path, CancellationToken.None);
        repository.Signers["alice"] = [first];
        repository.Publish("alice");
        await client.RefreshAsync();

        Assert.Equal(2, found!.Reason.Roles[^1].Threshold);
        Assert.Equal(2, restored.Reason.Roles[^1].Threshold);
        Assert.Equal(TrustReason.NotSigned, (await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("alice/fw"))).Reason);
    }

    [Fact]
    public async Task A_rotation_must_be_signed_by_the_old_keys()
    {
        var (repository, first) = WithRole();
        var thief = TestKey.Ed25519();
        Rotate(repository, [first], 1, null, "", [thief], 1, signers: [thief]);
        repository.Signers["alice"] = [thief];
        repository.Publish("alice");
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        Assert.Equal(TrustReason.NotSigned, (await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("alice/fw"))).Reason);
    }

    [Fact]
    public async Task A_role_that_rotates_to_the_null_key_is_revoked_until_it_is_delegated_to_anew()
    {
        var (repository, first) = WithRole();
        using var client = new TestClient(repository);
        repository.Publish("alice");
        await client.RefreshAsync();
        Assert.NotNull(await client.FindAsync("alice/fw"));

        var nobody = TestKey.Ed25519("null");
        foreach (var field in new[] { "keytype", "scheme" }) nobody.Public[field] = "null";
        Rotate(repository, [first], 1, null, "", [nobody], 1, signers: [first]);
        repository.Publish("alice");
        await client.RefreshAsync();
        var revoked = await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("alice/fw"));
        client.Reopen();
        await client.RefreshAsync();
        var still = await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("alice/fw"));

        var fresh = TestKey.Ed25519();
        repository.Signers["alice"] = [fresh];
        repository.DelegationsOf("targets")["roles"]!.AsArray().Clear();
        repository.Delegate("targets", "alice", ["alice/*"], key: fresh);
        repository.Publish("targets", "alice");
        await client.RefreshAsync();

        Assert.Equal(TrustReason.Revoked, revoked.Reason);
        Assert.Equal(TrustReason.Revoked, still.Reason);
        Assert.NotNull(await client.FindAsync("alice/fw"));
    }

    [Fact]
    public async Task A_mirror_cannot_hold_a_rotation_back()
    {
        var (repository, first) = WithRole();
        var second = TestKey.Ed25519();
        var name = Rotate(repository, [first], 1, null, "", [second], 1, signers: [first]);
        repository.Publish("alice");
        repository.Transport.Metadata.Remove($"1.{RoleName.Encode(name)}.json");
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        Assert.Equal(TrustReason.Unavailable, (await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("alice/fw"))).Reason);
    }

    [Theory, InlineData("role", "bob"), InlineData("previous", "something"), InlineData("_type", "targets")]
    public async Task A_rotation_counts_for_its_own_role_and_place_only(string field, string value)
    {
        var (repository, first) = WithRole();
        Rotate(repository, [first], 1, null, "", [TestKey.Ed25519()], 1, signers: [first], change: d => d[field] = value);
        repository.Publish("alice");
        using var client = new TestClient(repository);
        await client.RefreshAsync();

        Assert.Equal(TrustReason.Malformed, (await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("alice/fw"))).Reason);
    }

    [Fact]
    public async Task More_rotations_than_the_limit_are_refused()
    {
        var (repository, key) = WithRole();
        byte[]? previous = null;
        var name = "";
        for (var i = 0; i < 4; i++)
        {
            var next = TestKey.Ed25519();
            name = Rotate(repository, [key], 1, previous, name, [next], 1, signers: [key]);
            previous = repository.Transport.Metadata[$"1.{RoleName.Encode(name)}.json"];
            key = next;
        }

        repository.Publish("alice");
        using var client = new TestClient(repository, TrustLimits.Default with { RoleRotations = 3 });
        await client.RefreshAsync();

        Assert.Equal(TrustReason.TooLarge, (await Assert.ThrowsAsync<TrustException>(() => client.FindAsync("alice/fw"))).Reason);
    }

    private static (RepositorySimulator Repository, TestKey Key) WithRole()
    {
        var repository = new RepositorySimulator();
        var key = TestKey.Ed25519();
        repository.Delegate("targets", "alice", ["alice/*"], key: key);
        repository.AddTarget("alice/fw", "x", "alice");
        repository.Publish("targets", "alice");
        return (repository, key);
    }

    /// <summary>Serves a rotation and lists it in the next snapshot. Returns its name.</summary>
    private static string Rotate(
        RepositorySimulator repository, TestKey[] old, int oldThreshold, byte[]? previous, string previousName, TestKey[] next, int threshold, TestKey[] signers,
        Action<JsonObject>? change = null)
    {
        var document = new JsonObject
        {
            ["_type"] = "rotate", ["role"] = "alice", ["previous"] = previousName, ["threshold"] = threshold,
            ["keys"] = new JsonObject(next.Select(k => KeyValuePair.Create<string, JsonNode?>(k.Id, k.Public.DeepClone()))),
        };
        change?.Invoke(document);
        using var role = JsonDocument.Parse(RepositorySimulator.RoleOf(old, oldThreshold).ToJsonString());
        var name = Rotation.NameFor("alice", RoleKeys.Parse(role.RootElement, new Dictionary<string, PublicKey>()), previous is null ? (ReadOnlyMemory<byte>?)null : previous.AsMemory());
        repository.Transport.Metadata[$"1.{RoleName.Encode(name)}.json"] = repository.Sign(document, signers);
        repository.Documents["snapshot"]["meta"]![name + ".json"] = new JsonObject { ["version"] = 1 };
        return name;
    }

    [Fact]
    public void The_name_of_a_rotation_is_as_TAP_8_says()
    {
        var role = JsonDocument.Parse("""{"keyids":["b","a"],"threshold":2}""").RootElement;
        var keys = RoleKeys.Parse(role, new Dictionary<string, PublicKey>());
        var id = Convert.ToHexStringLower(SHA256.HashData("a.b.2"u8));

        Assert.Equal($"foo.rotate.{id}.", Rotation.NameFor("foo", keys, null));
        Assert.Equal(
            $"foo.rotate.{id}.{Convert.ToHexStringLower(SHA256.HashData("before"u8))}", Rotation.NameFor("foo", keys, Encoding.UTF8.GetBytes("before")));
    }
}
