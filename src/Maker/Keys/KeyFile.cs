using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Repository;
using NSec.Cryptography;

namespace Gatehouse.Maker.Keys;

/// <summary>
/// A private key on disk. An offline key is encrypted with its holder's passphrase: Argon2id (RFC 9106) makes the key of an
/// XChaCha20-Poly1305 box around the 32 bytes. An online key (timestamp, snapshot) lies open, readable by its owner only: a timer has no
/// passphrase to type, and one beside it would protect nothing.
/// </summary>
internal static class KeyFile
{
    public const string Ending = ".key";

    public static void Write(string path, MakerKey key, string role, NewPassphrase? passphrase)
    {
        var seed = key.ExportSeed();
        try
        {
            var file = new JsonObject
            {
                ["holder"] = key.Holder,
                ["role"] = role,
                ["keyid"] = key.KeyId,
                ["public"] = key.Public["keyval"]!["public"]!.GetValue<string>(),
            };
            if (passphrase is null) file["secret"] = Convert.ToBase64String(seed);
            else Seal(file, seed, passphrase);
            SafeFile.Write(path, Encoding.UTF8.GetBytes(file.ToJsonString(MakerJson.Indented)), ownerOnly: true);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>What can be read without a passphrase: whose key it is, and for which role.</summary>
    public static KeyFileHeader ReadHeader(string path)
    {
        try
        {
            var file = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
            return new KeyFileHeader(path, Text(file, "holder"), Text(file, "role"), Text(file, "keyid"), Text(file, "public"), file["kdf"] is not null);
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException or IOException or NullReferenceException)
        {
            throw new MakerException($"{path} is not a key file.");
        }
    }

    /// <summary>Opens the key with one of the passphrases; null where none fits.</summary>
    public static MakerKey? TryOpen(KeyFileHeader header, IEnumerable<string> passphrases)
    {
        var file = JsonNode.Parse(File.ReadAllBytes(header.Path))!.AsObject();
        if (!header.IsEncrypted) return MakerKey.FromSeed(Convert.FromBase64String(Text(file, "secret")), header.Holder);

        foreach (var passphrase in passphrases)
        {
            if (TryUnseal(file, passphrase) is not { } seed) continue;

            var key = MakerKey.FromSeed(seed, header.Holder);
            CryptographicOperations.ZeroMemory(seed);
            return key;
        }

        return null;
    }

    private static void Seal(JsonObject file, byte[] seed, NewPassphrase passphrase)
    {
        var salt = RandomNumberGenerator.GetBytes(16);
        var nonce = RandomNumberGenerator.GetBytes(AeadAlgorithm.XChaCha20Poly1305.NonceSize);
        file["kdf"] = new JsonObject
        {
            ["name"] = "argon2id", ["memory-kib"] = passphrase.MemoryKib, ["passes"] = passphrase.Passes, ["salt"] = Convert.ToBase64String(salt),
        };
        using var box = Derive(passphrase.Text, salt, passphrase.MemoryKib, passphrase.Passes);
        file["nonce"] = Convert.ToBase64String(nonce);
        file["secret"] = Convert.ToBase64String(AeadAlgorithm.XChaCha20Poly1305.Encrypt(box, nonce, Header(file), seed));
    }

    private static byte[]? TryUnseal(JsonObject file, string passphrase)
    {
        var kdf = file["kdf"]!.AsObject();
        // The file may come from a stick somebody handed over: it must not choose how much memory opening it takes.
        var memory = Math.Min(kdf["memory-kib"]!.GetValue<int>(), 1024 * 1024);
        var passes = Math.Min(kdf["passes"]!.GetValue<int>(), 20);
        using var box = Derive(passphrase, Convert.FromBase64String(Text(kdf, "salt")), memory, passes);
        return AeadAlgorithm.XChaCha20Poly1305.Decrypt(
            box, Convert.FromBase64String(Text(file, "nonce")), Header(file), Convert.FromBase64String(Text(file, "secret")));
    }

    /// <summary>Bound to the box, so that one holder's secret cannot be given another's name or role.</summary>
    private static byte[] Header(JsonObject file) => Encoding.UTF8.GetBytes($"{Text(file, "holder")}\n{Text(file, "role")}\n{Text(file, "keyid")}");

    private static Key Derive(string passphrase, byte[] salt, int memoryKib, int passes)
    {
        var argon2 = PasswordBasedKeyDerivationAlgorithm.Argon2id(
            new Argon2Parameters { DegreeOfParallelism = 1, MemorySize = memoryKib, NumberOfPasses = passes });
        return argon2.DeriveKey(passphrase, salt, AeadAlgorithm.XChaCha20Poly1305);
    }

    private static string Text(JsonObject file, string name) => file[name]!.GetValue<string>();
}

/// <summary>A key file seen from outside.</summary>
internal sealed record KeyFileHeader(string Path, string Holder, string Role, string KeyId, string PublicHex, bool IsEncrypted);
