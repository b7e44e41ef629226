using System.Security.Cryptography;
using System.Text.Json.Nodes;
using NSec.Cryptography;

namespace Gatehouse.Tests.Trust;

/// <summary>A signing key of one of the three schemes.</summary>
internal sealed class TestKey
{
    private readonly Func<byte[], byte[]> _sign;

    private TestKey(string id, JsonObject @public, Func<byte[], byte[]> sign)
    {
        Id = id;
        Public = @public;
        _sign = sign;
    }

    public string Id { get; init; }

    public JsonObject Public { get; }

    public static TestKey Ed25519(string? id = null)
    {
        var key = Key.Create(SignatureAlgorithm.Ed25519);
        var hex = Convert.ToHexStringLower(key.PublicKey.Export(KeyBlobFormat.RawPublicKey));
        return new(id ?? hex[..16], Describe("ed25519", "ed25519", hex), message => SignatureAlgorithm.Ed25519.Sign(key, message));
    }

    public static TestKey Ecdsa()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new(NewId(), Describe("ecdsa", "ecdsa-sha2-nistp256", key.ExportSubjectPublicKeyInfoPem()),
            message => key.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    public static TestKey Rsa(int bits = 2048)
    {
        var key = RSA.Create(bits);
        return new(NewId(), Describe("rsa", "rsassa-pss-sha256", key.ExportSubjectPublicKeyInfoPem()),
            message => key.SignData(message, HashAlgorithmName.SHA256, RSASignaturePadding.Pss));
    }

    /// <summary>The same key under another id.</summary>
    public TestKey Alias(string id) => new(id, Public, _sign);

    public byte[] Sign(byte[] message) => _sign(message);

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    private static JsonObject Describe(string type, string scheme, string value) => new()
    {
        ["keytype"] = type, ["scheme"] = scheme, ["keyval"] = new JsonObject { ["public"] = value },
    };
}
