using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gatehouse.Trust;
using NSec.Cryptography;

namespace Gatehouse.Maker.Keys;

/// <summary>A private key that was opened, ready to sign. Ed25519.</summary>
internal sealed class MakerKey : IDisposable
{
    private readonly Key _key;

    private MakerKey(Key key, string holder)
    {
        _key = key;
        Holder = holder;
        Public = Describe(Convert.ToHexStringLower(key.PublicKey.Export(KeyBlobFormat.RawPublicKey)));
        KeyId = IdOf(Public);
    }

    public string Holder { get; }

    public string KeyId { get; }

    /// <summary>The key as it stands in a key table (TUF 1.0.34, 4.2.1).</summary>
    public JsonObject Public { get; }

    public static MakerKey Generate(string holder) => new(
        Key.Create(SignatureAlgorithm.Ed25519, new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport }), holder);

    public static MakerKey FromSeed(ReadOnlySpan<byte> seed, string holder) => new(
        Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey, new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport }),
        holder);

    /// <summary>The 32 bytes that are the key. The caller clears them.</summary>
    public byte[] ExportSeed() => _key.Export(KeyBlobFormat.RawPrivateKey);

    public byte[] Sign(ReadOnlySpan<byte> message) => SignatureAlgorithm.Ed25519.Sign(_key, message);

    public void Dispose() => _key.Dispose();

    public static JsonObject Describe(string publicHex) => new()
    {
        ["keytype"] = "ed25519",
        ["keyval"] = new JsonObject { ["public"] = publicHex },
        ["scheme"] = "ed25519",
    };

    /// <summary>The usual key id: SHA-256 of the key's canonical form.</summary>
    public static string IdOf(JsonObject publicKey) =>
        Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Encode(Encoding.UTF8.GetBytes(publicKey.ToJsonString()))));
}
