using System.Security.Cryptography;

namespace Gatehouse.Mend.Credentials;

/// <summary>Makes passwords for Things: letters and digits only, which every shell, form and firmware takes, without those that look alike.</summary>
public static class PasswordMaker
{
    /// <summary>5.7 bits each: 20 make 114 bits; the 8 that an old DES crypt looks at still make 45.</summary>
    public const string Alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    public const int UsualLength = 20;

    /// <summary>Shortest that is still worth the change.</summary>
    public const int MinLength = 8;

    public static string Make(int length = UsualLength) => RandomNumberGenerator.GetString(Alphabet, Math.Max(length, MinLength));
}
