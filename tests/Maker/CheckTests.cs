using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Gatehouse.Tests.Maker;

public sealed class CheckTests
{
    [Fact]
    public void Verify_notices_an_image_that_was_changed_on_the_server()
    {
        using var maker = Published();
        maker.Run("verify", maker.Served);
        var image = Directory.EnumerateFiles(Path.Combine(maker.Served, "targets"), "*", SearchOption.AllDirectories).First();
        var bytes = File.ReadAllBytes(image);
        bytes[7] ^= 1;
        File.WriteAllBytes(image, bytes);

        Assert.Equal(1, maker.Try("verify", maker.Served).Exit);

        maker.Run("publish", maker.Served);
        maker.Run("verify", maker.Served);
    }

    [Fact]
    public void Doctor_says_what_a_client_says_now_and_in_30_days_and_what_to_do()
    {
        using var maker = Published();

        var healthy = JsonNode.Parse(maker.Run("doctor", maker.Served, "--json"))!;
        maker.Now += TimeSpan.FromDays(340);
        var neglected = JsonNode.Parse(maker.Run("doctor", maker.Served, "--json"))!;
        var findings = string.Join('\n', neglected["findings"]!.AsArray().Select(f => f!["problem"]!.GetValue<string>()));

        Assert.Equal("accepted", healthy["now"]!.GetValue<string>());
        Assert.Contains("timestamp", healthy["in30days"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("A client refuses this now", findings, StringComparison.Ordinal);
        Assert.Contains("root is valid only until", findings, StringComparison.Ordinal);
        Assert.Contains("offline key file", findings, StringComparison.Ordinal);
        Assert.Contains("Nobody goes on", findings, StringComparison.Ordinal);
    }

    [Fact]
    public void A_publish_cut_short_leaves_a_whole_repository_and_can_be_repeated()
    {
        using var maker = Published();
        maker.Run("add", maker.Image("b.swu"), "--model", "a", "--version", "2.0");
        maker.Run("sign");

        // What a crash after the first file would leave: the new targets metadata without anything that leads to it.
        File.Copy(Path.Combine(maker.Repository, "staged", "targets.json"), Path.Combine(maker.Repository, "metadata", "3.targets.json"));
        File.Copy(Path.Combine(maker.Repository, "staged", "targets.json"), Path.Combine(maker.Served, "metadata", "3.targets.json.new"));
        maker.Run("verify", maker.Served);
        maker.Run("publish", maker.Served);

        Assert.Contains("2 target(s)", maker.Run("verify", maker.Served), StringComparison.Ordinal);
    }

    [Fact]
    public void A_security_update_stays_available_for_ten_years()
    {
        using var maker = Published();
        maker.Run("renew", "targets");
        RemoveTarget(maker);
        maker.Run("sign");
        var refused = maker.Try("publish", maker.Served);
        maker.Now += TimeSpan.FromDays(3660);
        maker.Run("renew", "root");
        maker.Run("renew", "targets");
        RemoveTarget(maker);
        maker.Run("sign");
        maker.Run("publish", maker.Served);

        Assert.Contains("younger than ten years", refused.Complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void One_path_never_changes_its_meaning()
    {
        using var maker = Published();
        File.WriteAllText(maker.Below("a.swu"), "other bytes");

        Assert.Contains("A new image needs a new version", maker.Try("add", maker.Below("a.swu"), "--model", "a", "--version", "1.0").Complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_of_a_release_are_said_together()
    {
        using var maker = Published();

        var complaint = maker.Try("add", "/nowhere", "--model", "a/b", "--version", "", "--fixes", "CVE-1", "--support-until", "soon", "--from-version", "../x").Complaint;

        foreach (var part in new[] { "/nowhere", "--model", "--version", "CVE-1", "--support-until", "--from-version" }) Assert.Contains(part, complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void What_add_writes_fits_the_published_schema()
    {
        using var maker = new MakerFolder();
        maker.Init();
        File.WriteAllText(maker.Below("sbom.json"), "{}");
        maker.Run(
            "add", maker.Image("a.swu"), "--model", "a", "--version", "1.0", "--fixes", "CVE-2026-1234", "CVE-2026-12345", "--hardware", "1.0", "--from-version", "0.9",
            "--support-until", "2031-01-01", "--sbom", maker.Below("sbom.json"));
        var targets = JsonNode.Parse(File.ReadAllBytes(Path.Combine(maker.Repository, "staged", "targets.json")))!["signed"]!["targets"]!;
        var custom = targets["a/1.0/a.swu"]!["custom"]!.AsObject();
        var schema = JsonNode.Parse(File.ReadAllText(Schema))!;

        foreach (var required in schema["required"]!.AsArray()) Assert.True(custom.ContainsKey(required!.GetValue<string>()), $"{required} is missing");
        foreach (var (name, value) in custom)
        {
            var rule = schema["properties"]![name] ?? throw new InvalidOperationException($"the schema does not know {name}");
            var texts = value is JsonArray list ? list.Select(v => v!.GetValue<string>()) : [value!.GetValue<string>()];
            var pattern = (value is JsonArray ? rule["items"]! : rule)["pattern"]?.GetValue<string>();
            if (pattern is not null) Assert.All(texts, t => Assert.Matches(new Regex(pattern), t));
        }

        Assert.NotNull(targets[custom["sbom"]!.GetValue<string>()]);
    }

    [Fact]
    public void Import_checks_the_hash_and_the_makers_own_signature()
    {
        using var maker = new MakerFolder();
        maker.Init();
        var file = maker.Image("release.bin");
        var hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));
        using var vendor = RSA.Create(2048);
        File.WriteAllText(maker.Below("vendor.pem"), vendor.ExportSubjectPublicKeyInfoPem());
        File.WriteAllBytes(maker.Below("release.sig"), vendor.SignData(File.ReadAllBytes(file), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        File.WriteAllBytes(maker.Below("bad.sig"), new byte[256]);
        string[] common = ["import", file, "--url", "https://vendor.example/fw/release.bin", "--seen", "2026-11-20", "--model", "cam", "--version", "3.1"];

        var wrongHash = maker.Try([.. common, "--sha256", new string('0', 64)]);
        var wrongSignature = maker.Try([.. common, "--sha256", hash, "--signature", maker.Below("bad.sig"), "--signer", maker.Below("vendor.pem")]);
        maker.Run([.. common, "--sha256", hash, "--signature", maker.Below("release.sig"), "--signer", maker.Below("vendor.pem"), "--redistribution", "hash-and-url"]);
        maker.Run("sign");
        maker.Run("publish", maker.Served);
        maker.Run("verify", maker.Served);
        var origin = JsonNode.Parse(File.ReadAllBytes(Path.Combine(maker.Served, "metadata", "2.targets.json")))!["signed"]!["targets"]!["cam/3.1/release.bin"]!["custom"]!["origin"]!;

        Assert.Contains("not the one it was seen with", wrongHash.Complaint, StringComparison.Ordinal);
        Assert.Contains("does not hold", wrongSignature.Complaint, StringComparison.Ordinal);
        Assert.Equal("valid", origin["signature"]!.GetValue<string>());
        Assert.False(Directory.Exists(Path.Combine(maker.Served, "targets", "cam")));
    }

    [Fact]
    public void A_persons_mistake_is_one_sentence_and_exit_code_1()
    {
        using var maker = new MakerFolder();

        var (exit, _, complaint) = maker.Try("publish", maker.Served);

        Assert.Equal(1, exit);
        Assert.StartsWith("gatehouse-maker: ", complaint, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", complaint, StringComparison.Ordinal);
    }

    private static string Schema
    {
        get
        {
            for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            {
                if (Path.Combine(folder, "docs", "target-custom.schema.json") is var path && File.Exists(path)) return path;
            }

            throw new FileNotFoundException("docs/target-custom.schema.json");
        }
    }

    private static void RemoveTarget(MakerFolder maker)
    {
        var path = Path.Combine(maker.Repository, "staged", "targets.json");
        var staged = JsonNode.Parse(File.ReadAllBytes(path))!;
        staged["signed"]!["targets"]!.AsObject().Clear();
        File.WriteAllText(path, staged.ToJsonString());
    }

    private static MakerFolder Published()
    {
        var maker = new MakerFolder();
        maker.Init();
        maker.Run("add", maker.Image("a.swu"), "--model", "a", "--version", "1.0");
        maker.Run("sign");
        maker.Run("publish", maker.Served);
        return maker;
    }
}
