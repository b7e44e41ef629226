using System.Security.Cryptography;
using System.Text;

namespace Gatehouse.Console.Entry;

/// <summary>A code that works once: the one that claims a new gateway, or one printed by <c>gatehouse code</c> for an owner who forgot the passphrase.</summary>
internal sealed class OneTimeCode(TimeProvider time)
{
    // No 0, O, 1, I, L: read from a screen and typed on a phone. 31^8 is about 40 bits, for a code that guesses at most once in ten seconds reach.
    private const string Alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
    private const int Length = 8;

    private readonly Lock _lock = new();
    private string? _code;
    private DateTimeOffset _until;

    /// <summary>Makes a code; the one before it is void. Shown as <c>ABCD-EFGH</c>.</summary>
    public string Make(DateTimeOffset until)
    {
        lock (_lock)
        {
            _code = RandomNumberGenerator.GetString(Alphabet, Length);
            _until = until;
            return $"{_code[..4]}-{_code[4..]}";
        }
    }

    /// <summary>True once for the right code.</summary>
    public bool TryUse(string? typed)
    {
        lock (_lock)
        {
            if (!Fits(typed)) return false;
            _code = null;
            return true;
        }
    }

    /// <summary>True for the right code, which stays usable.</summary>
    public bool IsRight(string? typed)
    {
        lock (_lock) return Fits(typed);
    }

    private bool Fits(string? typed)
    {
        if (_code is null || time.GetUtcNow() > _until || typed is null || typed.Length > 32) return false;

        var plain = new string([.. typed.Where(char.IsAsciiLetterOrDigit).Select(char.ToUpperInvariant)]);
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(plain), Encoding.ASCII.GetBytes(_code));
    }
}
