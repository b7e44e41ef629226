using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Gatehouse.Home;

namespace Gatehouse.Console.Entry;

/// <summary>Who is signed in. Only hashes of the browsers' secrets are kept, on disk too, so that neither a restart nor a copied record signs anybody in or out.</summary>
internal sealed class Sessions : IDisposable
{
    /// <summary>How long a browser that is not used stays signed in.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromDays(30);

    /// <summary>Browsers signed in at once; the one used longest ago goes.</summary>
    public const int MaxSessions = 32;

    private const string Setting = "console.sessions";
    private static readonly TimeSpan TouchEvery = TimeSpan.FromHours(12);

    private readonly HomeRecord _record;
    private readonly Dictionary<string, Session> _byHash = [];
    private readonly SemaphoreSlim _lock = new(1, 1);

    private Sessions(HomeRecord record) => _record = record;

    private DateTimeOffset Now => _record.Time.GetUtcNow();

    public static async Task<Sessions> LoadAsync(HomeRecord record, CancellationToken cancellationToken)
    {
        var sessions = new Sessions(record);
        foreach (var line in (await record.SettingAsync(Setting, cancellationToken) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(' ') is [var hash, var used] && long.TryParse(used, NumberStyles.None, CultureInfo.InvariantCulture, out var at))
                sessions._byHash[hash] = new Session { Used = DateTimeOffset.FromUnixTimeSeconds(at) };
        }

        return sessions;
    }

    /// <summary>Signs a browser in; the result is the secret for its cookie.</summary>
    public async Task<string> BeginAsync(CancellationToken cancellationToken)
    {
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        await ChangeAsync(() =>
        {
            while (_byHash.Count >= MaxSessions) _byHash.Remove(_byHash.MinBy(session => session.Value.Used).Key);
            _byHash[Hash(secret)] = new Session { Used = Now };
        }, cancellationToken);
        return secret;
    }

    /// <summary>The session of a cookie, or null.</summary>
    public async Task<Session?> FindAsync(string? secret, CancellationToken cancellationToken)
    {
        if (secret is not { Length: 64 }) return null;

        Session? found;
        await _lock.WaitAsync(cancellationToken);
        try
        {
            found = _byHash.GetValueOrDefault(Hash(secret));
        }
        finally
        {
            _lock.Release();
        }

        if (found is null || Now - found.Used > Life) return null;
        if (Now - found.Used > TouchEvery) await ChangeAsync(() => found.Used = Now, cancellationToken);
        return found;
    }

    public Task EndAsync(string secret, CancellationToken cancellationToken) => ChangeAsync(() => _byHash.Remove(Hash(secret)), cancellationToken);

    /// <summary>Signs every browser out.</summary>
    public Task EndAllAsync(CancellationToken cancellationToken) => ChangeAsync(_byHash.Clear, cancellationToken);

    public void Dispose() => _lock.Dispose();

    private async Task ChangeAsync(Action change, CancellationToken cancellationToken)
    {
        await _lock.WaitAsync(cancellationToken);
        try
        {
            change();
            var lines = _byHash.Select(session => $"{session.Key} {session.Value.Used.ToUnixTimeSeconds()}");
            await _record.SetSettingAsync(Setting, string.Join('\n', lines), cancellationToken);
        }
        finally
        {
            _lock.Release();
        }
    }

    private static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(secret)));
}

/// <summary>One signed-in browser.</summary>
internal sealed class Session
{
    private string? _said;

    public DateTimeOffset Used { get; set; }

    /// <summary>What the last action said; shown on the next page, once.</summary>
    public void Say(string sentence) => Volatile.Write(ref _said, sentence);

    public string? TakeSaid() => Interlocked.Exchange(ref _said, null);
}
