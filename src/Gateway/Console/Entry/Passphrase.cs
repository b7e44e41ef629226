using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace Gatehouse.Console.Entry;

/// <summary>A passphrase as it is stored: Argon2id with its cost beside it, so that the cost can rise later.</summary>
internal static class Passphrase
{
    /// <summary>Fewer characters are refused: with the slow hash and the limit on tries, ten are out of reach.</summary>
    public const int MinLength = 10;

    /// <summary>More are refused, so that nobody makes the gateway hash megabytes.</summary>
    public const int MaxLength = 256;

    // OWASP's smallest setting for Argon2id (7 MiB, 5 passes, 1 lane), which it holds as strong as the larger ones: the gateway has little memory, and
    // hashes one passphrase at a time.
    private const int MemoryKibibytes = 7 * 1024;
    private const int Passes = 5;
    private const int HashBytes = 32;
    private const int SaltBytes = 16;

    public static string Store(string passphrase)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return string.Create(CultureInfo.InvariantCulture,
            $"argon2id${MemoryKibibytes}${Passes}${Convert.ToBase64String(salt)}${Convert.ToBase64String(Derive(passphrase, salt, MemoryKibibytes, Passes))}");
    }

    public static bool Matches(string passphrase, string stored)
    {
        if (passphrase.Length > MaxLength || stored.Split('$') is not ["argon2id", var memory, var passes, var salt, var hash]) return false;

        var derived = Derive(passphrase, Convert.FromBase64String(salt), int.Parse(memory, CultureInfo.InvariantCulture), int.Parse(passes, CultureInfo.InvariantCulture));
        return CryptographicOperations.FixedTimeEquals(derived, Convert.FromBase64String(hash));
    }

    // One form for one text: "é" may be typed as one character or as two.
    private static byte[] Derive(string passphrase, byte[] salt, int memory, int passes) => PasswordBasedKeyDerivationAlgorithm
        .Argon2id(new Argon2Parameters { DegreeOfParallelism = 1, MemorySize = memory, NumberOfPasses = passes })
        .DeriveBytes(Encoding.UTF8.GetBytes(passphrase.IsNormalized() ? passphrase : passphrase.Normalize()), salt, HashBytes);
}
