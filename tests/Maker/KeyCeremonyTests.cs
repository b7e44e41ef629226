using System.Text.Json.Nodes;
using Gatehouse.Trust;
using Xunit;

namespace Gatehouse.Tests.Maker;

public sealed class KeyCeremonyTests
{
    [Fact]
    public void Offline_keys_are_sealed_and_online_keys_are_their_owners_only()
    {
        using var maker = new MakerFolder { FullKeys = true };
        maker.Init("--holder", "alice", "bob", "carol");

        foreach (var file in Directory.EnumerateFiles(Path.Combine(maker.Repository, "keys")))
        {
            var key = JsonNode.Parse(File.ReadAllBytes(file))!;
            Assert.Equal("argon2id", key["kdf"]!["name"]!.GetValue<string>());
            Assert.Equal(64 * 1024, key["kdf"]!["memory-kib"]!.GetValue<int>());
            Assert.Equal(32 + 16, Convert.FromBase64String(key["secret"]!.GetValue<string>()).Length);
        }

        foreach (var file in Directory.EnumerateFiles(Path.Combine(maker.Repository, "online")))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        Assert.Contains("2 of 3 holders must sign", File.ReadAllText(Path.Combine(maker.Repository, "recovery-sheet.txt")), StringComparison.Ordinal);
        Assert.Contains("alice", maker.Run("keys"), StringComparison.Ordinal);
    }

    [Theory, InlineData("holder"), InlineData("role"), InlineData("secret")]
    public void A_key_file_that_was_changed_does_not_open(string field)
    {
        using var maker = new MakerFolder();
        maker.Init();
        foreach (var path in Directory.EnumerateFiles(Path.Combine(maker.Repository, "keys"), "*.targets.key"))
        {
            var key = JsonNode.Parse(File.ReadAllBytes(path))!;
            key[field] = field == "secret" ? Convert.ToBase64String(new byte[48]) : "changed";
            File.WriteAllText(path, key.ToJsonString());
        }

        maker.Run("renew", "targets");
        maker.Run("sign");

        Assert.Contains("still needs 2", maker.Try("publish", maker.Served).Complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_passphrase_opens_nothing()
    {
        using var maker = new MakerFolder();
        maker.Init();
        maker.Run("renew", "targets");
        File.WriteAllText(maker.Below("passphrase"), "another passphrase");

        Assert.Contains("still needs 2", maker.Run("sign"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stolen_root_key_is_rotated_and_clients_follow()
    {
        using var maker = new MakerFolder();
        maker.Init();
        maker.Run("publish", maker.Served);
        var client = maker.Client();
        await client.RefreshAsync(CancellationToken.None);
        var stolen = JsonNode.Parse(File.ReadAllBytes(Path.Combine(maker.Repository, "keys", "holder-1.root.key")))!["keyid"]!.GetValue<string>();

        maker.Run("rotate", "root", "--key", stolen[..10]);
        maker.Run("rotate", "timestamp");
        maker.Run("sign");
        maker.Run("publish", maker.Served);
        await client.RefreshAsync(CancellationToken.None);

        Assert.DoesNotContain(stolen, File.ReadAllText(Path.Combine(maker.Served, "metadata", "2.root.json")).Split("\"signed\"")[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revoked_targets_key_counts_no_more()
    {
        using var maker = new MakerFolder();
        maker.Init("--holder", "a", "b", "c");
        var key = JsonNode.Parse(File.ReadAllBytes(Path.Combine(maker.Repository, "keys", "b.targets.key")))!["keyid"]!.GetValue<string>();
        maker.Run("revoke", key);
        maker.Run("sign");
        maker.Run("publish", maker.Served);

        await maker.Client().RefreshAsync(CancellationToken.None);
        var (exit, _, complaint) = maker.Try("revoke", JsonNode.Parse(File.ReadAllBytes(Path.Combine(maker.Repository, "keys", "c.targets.key")))!["keyid"]!.GetValue<string>());

        Assert.Equal(1, exit);
        Assert.Contains("could never be signed again", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_people_on_two_machines_sign_one_release_by_passing_a_file()
    {
        using var maker = new MakerFolder();
        maker.Init("--holder", "alice", "bob", "carol");
        var keys = Directory.CreateDirectory(maker.Below("sticks")).FullName;
        foreach (var key in Directory.EnumerateFiles(Path.Combine(maker.Repository, "keys"))) File.Move(key, Path.Combine(keys, Path.GetFileName(key)));
        maker.Run("add", maker.Image("x.swu"), "--model", "x", "--version", "2.0");

        maker.Run("sign", "--export", maker.Below("release.json"));
        var shown = maker.Run("sign", "--file", maker.Below("release.json"), "--key", Path.Combine(keys, "alice.targets.key"));
        maker.Run("sign", "--file", maker.Below("release.json"), "--key", Path.Combine(keys, "bob.targets.key"));
        maker.Run("sign", "--import", maker.Below("release.json"));
        maker.Run("publish", maker.Served);

        Assert.Contains("new target x/2.0/x.swu", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_signed_elsewhere_does_not_fit_what_was_changed_meanwhile()
    {
        using var maker = new MakerFolder();
        maker.Init();
        maker.Run("add", maker.Image("x.swu"), "--model", "x", "--version", "2.0");
        maker.Run("sign", "--export", maker.Below("release.json"));
        maker.Run("add", maker.Image("y.swu"), "--model", "y", "--version", "2.0");

        Assert.Contains("Export it again", maker.Try("sign", "--import", maker.Below("release.json")).Complaint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_delegated_team_publishes_for_its_paths()
    {
        using var maker = new MakerFolder();
        maker.Init();
        maker.Run("delegate", "lamps", "--paths", "lamp/*/*", "--holder", "dora");
        maker.Run("add", maker.Image("lamp.bin"), "--model", "lamp", "--version", "1.0", "--role", "lamps");
        maker.Run("sign");
        maker.Run("publish", maker.Served);

        var client = maker.Client();
        await client.RefreshAsync(CancellationToken.None);
        var found = await client.FindTargetAsync("lamp/1.0/lamp.bin", CancellationToken.None);

        Assert.Equal("lamps", found!.Reason.Roles[^1].Role);
    }

    [Fact]
    public async Task When_the_maker_is_gone_the_successor_it_named_goes_on()
    {
        using var maker = new MakerFolder();
        maker.Init();
        var parties = new[] { "escrow", "community" }.Select(p => JsonNode.Parse(maker.Run("successor", "key", p, "--out", maker.Below(p + ".key"), "--json"))!).ToList();
        maker.Run(["successor", "name", .. parties.SelectMany(p => new[] { "--public", p["public"]!.GetValue<string>() }), "--silence-days", "100", "--notice-days", "10"]);
        maker.Run("add", maker.Image("dvr.swu"), "--model", "dvr", "--version", "1.0");
        maker.Run("sign");
        maker.Run("publish", maker.Served);
        var client = maker.Client();
        await client.RefreshAsync(CancellationToken.None);
        var lastSeen = maker.Now;

        maker.Now += TimeSpan.FromDays(150);
        using var successor = new MakerFolder { Now = maker.Now };
        successor.Init("--follow", maker.Served);
        successor.Run("add", successor.Image("dvr2.swu"), "--model", "dvr", "--version", "1.1");
        successor.Run("sign");
        var statement = Path.Combine(successor.Repository, "metadata", "3.takeover.json");
        List<string> draft = ["successor", "draft", "--maker-root", Path.Combine(maker.Served, "metadata", "2.root.json"), "--new-root", Path.Combine(successor.Repository, "metadata", "3.root.json"), "--out", statement];
        foreach (var party in parties) draft.AddRange(["--seen", $"{party["keyid"]}=2@{lastSeen:O}"]);
        successor.Run([.. draft]);
        foreach (var party in new[] { "escrow", "community" }) successor.Run("successor", "attest", statement, "--key", maker.Below(party + ".key"));
        successor.Now += TimeSpan.FromDays(11);
        successor.Run("publish", successor.Served);

        var moved = TufRepository.Open("anvil", maker.Below("client", "metadata"), null, new FolderTransport(successor.Served), new Gatehouse.Maker.FixedTime(successor.Now));
        await moved.RefreshAsync(CancellationToken.None);

        Assert.Equal(2, moved.Takeover!.FromRootVersion);
        Assert.Equal(["dvr/1.0/dvr.swu", "dvr/1.1/dvr2.swu"], moved.Targets.Select(t => t.Path));
        Assert.Single(client.Targets);
    }
}
