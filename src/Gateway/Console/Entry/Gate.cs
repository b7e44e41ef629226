using System.Security.Cryptography;
using System.Text;
using Gatehouse.Home;

namespace Gatehouse.Console.Entry;

/// <summary>How an attempt to come in ended.</summary>
internal enum EntryResult
{
    Welcome,
    Wrong,

    /// <summary>No tries are left for now; nothing was looked at.</summary>
    TooManyTries,

    /// <summary>The new passphrase is too short or too long.</summary>
    BadPassphrase,
}

/// <summary>
/// Lets the owner in, and nobody else: claims a new gateway by the code in the run folder, signs in by passphrase, and tells forms of its own pages
/// from forged ones.
/// </summary>
internal sealed class Gate : IDisposable
{
    /// <summary>How long a code printed by <c>gatehouse code</c> works.</summary>
    public static readonly TimeSpan CodeLife = TimeSpan.FromMinutes(10);

    private const string PassphraseSetting = "console.passphrase";
    private const string KeySetting = "console.key";

    private readonly HomeRecord _record;
    private readonly TryLimit _tries;
    private readonly OneTimeCode _code;
    private readonly byte[] _key;
    private readonly string _codeFile;

    // One hash at a time: its memory is counted on, and guesses do not multiply it.
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private string? _passphrase;

    private Gate(HomeRecord record, Sessions sessions, string? passphrase, byte[] key, string codeFile)
    {
        (_record, Sessions, _passphrase, _key, _codeFile) = (record, sessions, passphrase, key, codeFile);
        _tries = new TryLimit(record.Time);
        _code = new OneTimeCode(record.Time);
    }

    public Sessions Sessions { get; }

    /// <summary>True once an owner chose a passphrase.</summary>
    public bool IsClaimed => Volatile.Read(ref _passphrase) is not null;

    /// <summary>Reads what the record holds. A gateway without an owner writes a new code to <c>claim-code</c>.</summary>
    public static async Task<Gate> OpenAsync(HomeRecord record, string runFolder, CancellationToken cancellationToken)
    {
        var key = await record.SettingAsync(KeySetting, cancellationToken);
        if (key is null) await record.SetSettingAsync(KeySetting, key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)), cancellationToken);

        var gate = new Gate(record, await Sessions.LoadAsync(record, cancellationToken), await record.SettingAsync(PassphraseSetting, cancellationToken),
            Convert.FromBase64String(key), Path.Combine(runFolder, "claim-code"));
        File.Delete(gate._codeFile);
        if (!gate.IsClaimed) gate.WriteClaimCode();
        return gate;
    }

    /// <summary>A new one-time code for whoever may open the control socket.</summary>
    public (string Code, DateTimeOffset Until) MakeCode()
    {
        var until = _record.Time.GetUtcNow() + CodeLife;
        return (_code.Make(until), until);
    }

    /// <summary>Sets the passphrase of whoever knows the one-time code. On welcome every earlier session has ended.</summary>
    public async Task<EntryResult> ClaimAsync(string? code, string passphrase, string place, CancellationToken cancellationToken)
    {
        if (!_tries.TryTake("code " + place)) return EntryResult.TooManyTries;
        if (!_code.IsRight(code)) return EntryResult.Wrong;

        // Right so far: a passphrase that is refused does not use the code up.
        if (!IsAcceptable(passphrase)) return EntryResult.BadPassphrase;
        if (!_code.TryUse(code)) return EntryResult.Wrong;

        _tries.Restore("code " + place);
        await SetPassphraseAsync(passphrase, cancellationToken);
        File.Delete(_codeFile);
        return EntryResult.Welcome;
    }

    /// <summary>Judges a passphrase. <paramref name="known"/> is the browser's own mark, if it has one.</summary>
    public async Task<EntryResult> SignInAsync(string passphrase, string place, string? known, CancellationToken cancellationToken)
    {
        var bucket = IsKnown(known) ? "known " + known : "stranger " + place;
        if (!_tries.TryTake(bucket)) return EntryResult.TooManyTries;

        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            if (_passphrase is not { } stored || !Passphrase.Matches(passphrase, stored)) return EntryResult.Wrong;
        }
        finally
        {
            _oneAtATime.Release();
        }

        _tries.Restore(bucket);
        return EntryResult.Welcome;
    }

    /// <summary>Another passphrase, for somebody signed in who knows the present one.</summary>
    public async Task<EntryResult> ChangePassphraseAsync(string present, string next, string place, string? known, CancellationToken cancellationToken)
    {
        var entry = await SignInAsync(present, place, known, cancellationToken);
        if (entry != EntryResult.Welcome) return entry;
        if (!IsAcceptable(next)) return EntryResult.BadPassphrase;

        await SetPassphraseAsync(next, cancellationToken);
        return EntryResult.Welcome;
    }

    /// <summary>A mark for a browser that signed in: later it has tries of its own. Void when the passphrase changes.</summary>
    public string MakeKnown()
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        return $"{id}.{Mac("known " + _passphrase + id)}";
    }

    /// <summary>The token that forms of a browser with this cookie carry.</summary>
    public string FormToken(string cookie) => Mac("form " + cookie);

    public bool IsFormToken(string? token, string cookie) =>
        token is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(FormToken(cookie)));

    public void Dispose()
    {
        Sessions.Dispose();
        _oneAtATime.Dispose();
    }

    private bool IsKnown(string? mark) => mark?.Split('.') is [{ Length: 32 } id, var proof]
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(proof), Encoding.UTF8.GetBytes(Mac("known " + _passphrase + id)));

    private string Mac(string text) => Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text)));

    private static bool IsAcceptable(string passphrase) => passphrase.Length is >= Passphrase.MinLength and <= Passphrase.MaxLength;

    private async Task SetPassphraseAsync(string passphrase, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            var stored = Passphrase.Store(passphrase);
            await _record.SetSettingAsync(PassphraseSetting, stored, cancellationToken);
            Volatile.Write(ref _passphrase, stored);
        }
        finally
        {
            _oneAtATime.Release();
        }

        await Sessions.EndAllAsync(cancellationToken);
    }

    private void WriteClaimCode()
    {
        // It works until it is used or the gateway restarts: only who can read the run folder sees it.
        var code = _code.Make(DateTimeOffset.MaxValue);
        using var file = new FileStream(_codeFile, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        file.Write(Encoding.ASCII.GetBytes(code + "\n"));
    }
}
