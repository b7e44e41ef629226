using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gatehouse.Trust.Keys;
using Xunit;

namespace Gatehouse.Tests.Trust;

public sealed class KeyTests
{
    private static readonly byte[] Message = Encoding.UTF8.GetBytes("what is signed");

    public static TheoryData<string> Schemes => ["ed25519", "ecdsa", "rsa"];

    [Theory, MemberData(nameof(Schemes))]
    public void A_signature_holds_for_its_message_and_key_and_nothing_else(string scheme)
    {
        var key = Make(scheme);
        var verifier = Parse(key.Public);
        var signature = key.Sign(Message);

        Assert.True(verifier.IsKnown);
        Assert.True(verifier.Verifies(Message, signature));
        Assert.False(verifier.Verifies("what is not signed"u8, signature));
        Assert.False(Parse(Make(scheme).Public).Verifies(Message, signature));
        for (var cut = 0; cut < signature.Length; cut++) Assert.False(verifier.Verifies(Message, signature.AsSpan(..cut)));
        for (var bit = 0; bit < 64; bit++)
        {
            var bent = signature.ToArray();
            bent[bit * bent.Length / 64] ^= (byte)(1 << (bit % 8));
            Assert.False(verifier.Verifies(Message, bent), $"bit {bit}");
        }

        Assert.False(verifier.Verifies(Message, [.. signature, 0]));
    }

    public static TheoryData<string, string, string, string> BadKeys => new()
    {
        { "Ed25519 too short", "ed25519", "ed25519", new string('a', 62) },
        { "Ed25519 not hexadecimal", "ed25519", "ed25519", new string('g', 64) },
        { "P-384", "ecdsa", "ecdsa-sha2-nistp256", ECDsa.Create(ECCurve.NamedCurves.nistP384).ExportSubjectPublicKeyInfoPem() },
        { "RSA of 1024 bits", "rsa", "rsassa-pss-sha256", RSA.Create(1024).ExportSubjectPublicKeyInfoPem() },
        { "RSA in the place of ECDSA", "ecdsa", "ecdsa-sha2-nistp256", RSA.Create(2048).ExportSubjectPublicKeyInfoPem() },
        { "an older RSA scheme", "rsa", "rsa-pkcs1v15-sha256", RSA.Create(2048).ExportSubjectPublicKeyInfoPem() },
        // Found by fuzzing: the platform threw where it should have refused.
        { "a curve nobody knows", "ecdsa", "ecdsa-sha2-nistp256", WithCurve("1.2.12724029.3.1.7") },
        { "a private key's label", "rsa", "rsassa-pss-sha256", RSA.Create(2048).ExportRSAPublicKeyPem() },
        { "a point off the curve", "ecdsa", "ecdsa-sha2-nistp256", OffCurve() },
        { "no PEM", "rsa", "rsassa-pss-sha256", "-----BEGIN" },
        { "empty", "ecdsa", "ecdsa-sha2-nistp256", "" },
    };

    [Theory, MemberData(nameof(BadKeys))]
    public void A_bad_key_is_kept_and_verifies_nothing(string why, string type, string scheme, string text)
    {
        var key = Parse(new JsonObject { ["keytype"] = type, ["scheme"] = scheme, ["keyval"] = new JsonObject { ["public"] = text } });

        Assert.False(key.IsKnown, why);
        Assert.False(key.Verifies(Message, new byte[64]));
    }

    [Fact]
    public void An_RSA_signature_of_the_older_padding_does_not_count()
    {
        using var rsa = RSA.Create(2048);
        var key = Parse(new JsonObject
        {
            ["keytype"] = "rsa", ["scheme"] = "rsassa-pss-sha256", ["keyval"] = new JsonObject { ["public"] = rsa.ExportSubjectPublicKeyInfoPem() },
        });

        Assert.False(key.Verifies(Message, rsa.SignData(Message, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)));
    }

    [Theory, MemberData(nameof(Schemes))]
    public async Task A_repository_may_use_any_scheme(string scheme)
    {
        var repository = new RepositorySimulator();
        using var client = new TestClient(repository);
        foreach (var role in new[] { "timestamp", "snapshot", "targets" })
        {
            repository.Signers[role] = [Make(scheme)];
            repository.SetRole(role, repository.Signers[role], 1);
        }

        repository.Publish();
        await client.RefreshAsync();

        Assert.Equal(2, client.KeptVersion("targets"));
    }

    private static string WithCurve(string oid)
    {
        var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("1.2.840.10045.2.1");
                writer.WriteObjectIdentifier(oid);
            }

            writer.WriteBitString([4, .. new byte[64]]);
        }

        return PemEncoding.WriteString("PUBLIC KEY", writer.Encode());
    }

    private static string OffCurve()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var bytes = key.ExportSubjectPublicKeyInfo();
        bytes[^1] ^= 1;
        return PemEncoding.WriteString("PUBLIC KEY", bytes);
    }

    private static TestKey Make(string scheme) => scheme switch { "ed25519" => TestKey.Ed25519(), "ecdsa" => TestKey.Ecdsa(), _ => TestKey.Rsa() };

    private static PublicKey Parse(JsonObject key)
    {
        using var json = JsonDocument.Parse(key.ToJsonString());
        return PublicKey.Parse(json.RootElement);
    }
}
