using System.Security.Cryptography;
using NSec.Cryptography;

namespace Gatehouse.Trust.Keys;

/// <summary>Checks signatures of one key.</summary>
internal interface ISignatureVerifier
{
    /// <summary>Scheme and key bytes in one unambiguous form.</summary>
    string Identity { get; }

    bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature);
}

/// <summary>The schemes this client knows, one line each. A post-quantum scheme comes as one more line and one more class.</summary>
internal static class SignatureSchemes
{
    private static readonly (string Type, string Scheme, Func<string, ISignatureVerifier?> Make)[] Table =
    [
        ("ed25519", "ed25519", Ed25519Verifier.TryMake),
        ("ecdsa", "ecdsa-sha2-nistp256", EcdsaP256Verifier.TryMake),
        // The key type's older name, still found in repositories.
        ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", EcdsaP256Verifier.TryMake),
        ("rsa", "rsassa-pss-sha256", RsaPssVerifier.TryMake),
    ];

    /// <summary>A verifier for the key; null where the scheme is unknown or the key's text is not such a key.</summary>
    public static ISignatureVerifier? TryMake(string type, string scheme, string publicKey)
    {
        foreach (var row in Table)
        {
            if (row.Type == type && row.Scheme == scheme) return row.Make(publicKey);
        }

        return null;
    }
}

/// <summary>Ed25519 (RFC 8032) through libsodium. The key is 32 bytes as 64 hexadecimal digits.</summary>
internal sealed class Ed25519Verifier : ISignatureVerifier
{
    private readonly NSec.Cryptography.PublicKey _key;

    private Ed25519Verifier(NSec.Cryptography.PublicKey key, byte[] raw)
    {
        _key = key;
        Identity = "ed25519 " + Convert.ToHexStringLower(raw);
    }

    public string Identity { get; }

    public static ISignatureVerifier? TryMake(string text)
    {
        if (text.Length != 64 || !text.All(char.IsAsciiHexDigit)) return null;

        var raw = Convert.FromHexString(text);
        return NSec.Cryptography.PublicKey.TryImport(SignatureAlgorithm.Ed25519, raw, KeyBlobFormat.RawPublicKey, out var key)
            ? new Ed25519Verifier(key!, raw)
            : null;
    }

    public bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        signature.Length == 64 && SignatureAlgorithm.Ed25519.Verify(_key, message, signature);
}

/// <summary>The bytes in a PEM text (RFC 7468) that says it is a public key.</summary>
internal static class PublicKeyPem
{
    /// <summary>Longer than any key that is taken: an RSA key of 8192 bits takes 1,500 characters.</summary>
    private const int MaxCharacters = 4096;

    public static byte[]? TryRead(string text)
    {
        if (text.Length > MaxCharacters || !PemEncoding.TryFind(text, out var fields) || text[fields.Label] is not "PUBLIC KEY") return null;

        return Convert.FromBase64String(text[fields.Base64Data]);
    }
}

/// <summary>ECDSA over P-256 with SHA-256; the key as PEM, the signature in DER.</summary>
internal sealed class EcdsaP256Verifier : ISignatureVerifier
{
    // SubjectPublicKeyInfo of an uncompressed point on P-256 (RFC 5480) is these bytes and the point's 64. Whatever else the text holds
    // never reaches the platform's parser, which answers unknown curves in its own ways.
    private static readonly byte[] Prefix = Convert.FromHexString("3059301306072A8648CE3D020106082A8648CE3D03010703420004");
    private const int PointBytes = 64;

    private readonly byte[] _publicKey;

    private EcdsaP256Verifier(byte[] publicKey)
    {
        _publicKey = publicKey;
        Identity = "ecdsa " + Convert.ToHexStringLower(publicKey);
    }

    public string Identity { get; }

    public static ISignatureVerifier? TryMake(string text)
    {
        var bytes = PublicKeyPem.TryRead(text);
        if (bytes is null || bytes.Length != Prefix.Length + PointBytes || !bytes.AsSpan().StartsWith(Prefix)) return null;

        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(bytes, out _);
            return new EcdsaP256Verifier(bytes);
        }
        catch (CryptographicException)
        {
            // Not a point of the curve.
            return null;
        }
    }

    public bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(_publicKey, out _);
            return key.VerifyData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}

/// <summary>RSASSA-PSS with SHA-256 and a salt of the hash's length (RFC 8017, 9.1); the key as PEM. 2048 to 8192 bits: below is broken, above costs seconds per signature.</summary>
internal sealed class RsaPssVerifier : ISignatureVerifier
{
    private readonly byte[] _publicKey;

    private RsaPssVerifier(byte[] publicKey)
    {
        _publicKey = publicKey;
        Identity = "rsa " + Convert.ToHexStringLower(publicKey);
    }

    public string Identity { get; }

    public static ISignatureVerifier? TryMake(string text)
    {
        if (PublicKeyPem.TryRead(text) is not { } bytes) return null;

        try
        {
            using var key = RSA.Create();
            key.ImportSubjectPublicKeyInfo(bytes, out _);
            // A long exponent makes each verification take seconds; nobody honest uses more than 32 bits.
            return key.KeySize is >= 2048 and <= 8192 && key.ExportParameters(false).Exponent!.Length <= 4
                ? new RsaPssVerifier(key.ExportSubjectPublicKeyInfo())
                : null;
        }
        catch (Exception bad) when (bad is ArgumentException or CryptographicException or NotSupportedException)
        {
            return null;
        }
    }

    public bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        try
        {
            using var key = RSA.Create();
            key.ImportSubjectPublicKeyInfo(_publicKey, out _);
            return key.VerifyData(message, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
