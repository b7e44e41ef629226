using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Home;
using Gatehouse.Mend.Drivers;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.Mend.Credentials;

/// <summary>
/// Gives a Thing a password of its own in place of the one it was shipped with. The new one is in the vault before the Thing hears of it, and
/// what holds is found by trying, so a crash between any two steps locks nobody out: the next run tries the vault's first, then the known one.
/// </summary>
/// <remarks>
/// Things lock accounts, or whole services, after a few wrong passwords. One run makes at most <see cref="MaxTries"/> tries at one account, of which
/// few can be wrong, and <see cref="TryInterval"/> lies between two.
/// </remarks>
public sealed partial class CredentialKeeper(HomeRecord record, IReadOnlyList<IRotationMethod> methods, ILogger<CredentialKeeper> logger)
{
    /// <summary>Known passwords tried at one account; a list of hundreds would be an attack of our own.</summary>
    public const int MaxKnownPasswords = 3;

    /// <summary>Most tries to sign in to one account in one run.</summary>
    public const int MaxTries = 8;

    /// <summary>How often a service that does not answer is asked again before it counts as shut: it may still be starting.</summary>
    public const int MaxSilences = 4;

    /// <summary>Time between two tries at one account.</summary>
    public static readonly TimeSpan TryInterval = TimeSpan.FromSeconds(2);

    /// <summary>Time between two questions to a service that does not answer.</summary>
    public static readonly TimeSpan SilenceWait = TimeSpan.FromSeconds(5);

    /// <summary>Makes the new password; a test gives its own.</summary>
    internal Func<int, string> MakePassword { get; init; } = PasswordMaker.Make;

    /// <summary>Sees to every account the pack names, and says how it stands with the worst of them.</summary>
    public async Task<Secured> SecureAsync(MacAddress thing, Pack pack, DeviceLink link, CancellationToken cancellationToken)
    {
        if (pack.Credentials.IsEmpty) return new(SecuredBy.NoKnownPassword);
        if (pack.Rotate is not { } rotate || methods.FirstOrDefault(method => method.Name == rotate.Method) is not { } way)
            return new(SecuredBy.Nothing, "nobody has taught Gatehouse how this model's password is changed");
        if (way.FaultsOf(rotate.Parameters) is { IsEmpty: false } faults) return new(SecuredBy.Nothing, $"its pack cannot be used: {string.Join("; ", faults)}");

        var worst = new Secured(SecuredBy.NoKnownPassword);
        foreach (var known in pack.Credentials.GroupBy(credential => (credential.Service, credential.Port, credential.User)))
        {
            var account = new Account(known.Key.Service, known.Key.Port, known.Key.User, rotate.Parameters);
            var secured = await SecureAsync(thing, way, account, [.. known.Select(credential => credential.Password).Distinct().Take(MaxKnownPasswords)], link, cancellationToken);
            if (secured.By > worst.By) worst = secured;
        }

        return worst;
    }

    private async Task<Secured> SecureAsync(
        MacAddress thing, IRotationMethod way, Account account, ImmutableArray<string> known, DeviceLink link, CancellationToken cancellationToken)
    {
        var door = new Door(way, account, link, record.Time);
        try
        {
            var kept = await record.Vault.FindAsync(thing, account.VaultName, cancellationToken);
            var isOwn = kept is not null && await door.OpensAsync(kept, cancellationToken);
            var old = await FirstThatOpensAsync(door, known, cancellationToken);
            if (old is null) return isOwn ? await RotatedAsync(thing, account, wasJustNow: false, cancellationToken) : new(SecuredBy.OwnPassword);

            // In the vault first: were the gateway to stop now, the next run would try this one before the known one.
            var chosen = kept ?? MakePassword(Length(account));
            if (kept is null) await record.Vault.KeepAsync(thing, account.VaultName, chosen, cancellationToken);
            await ReplaceAsync(way, account, link, old, chosen, cancellationToken);

            if (await FirstThatOpensAsync(door, [old], cancellationToken) is not null) return new(SecuredBy.Nothing, "it did not take another one");
            return await door.OpensAsync(chosen, cancellationToken)
                ? await RotatedAsync(thing, account, wasJustNow: true, cancellationToken)
                : new(SecuredBy.Nothing, "it refuses the old password and the new one; somebody must reset it");
        }
        catch (DeviceUnreachableException silent)
        {
            return door.EverAnswered || await link.AcceptsAsync(account.Port, cancellationToken) ? new(SecuredBy.Nothing, silent.Message) : new(SecuredBy.ClosedService);
        }
        catch (DeviceRefusedException refused)
        {
            NotChanged(logger, thing, account.Service, refused.Message);
            return new(SecuredBy.Nothing, refused.Message);
        }
    }

    private static async Task<string?> FirstThatOpensAsync(Door door, ImmutableArray<string> passwords, CancellationToken cancellationToken)
    {
        foreach (var password in passwords)
        {
            if (await door.OpensAsync(password, cancellationToken)) return password;
        }

        return null;
    }

    private static async Task ReplaceAsync(IRotationMethod way, Account account, DeviceLink link, string old, string chosen, CancellationToken cancellationToken)
    {
        try
        {
            await way.ReplaceAsync(link, account, old, chosen, cancellationToken);
        }
        catch (DeviceUnreachableException)
        {
            // It may have been set before the connection broke: the tries that follow tell.
        }
    }

    private async Task<Secured> RotatedAsync(MacAddress thing, Account account, bool wasJustNow, CancellationToken cancellationToken)
    {
        if (!wasJustNow) return new(SecuredBy.Rotation);
        var name = record.Current.Find(thing)?.DisplayName ?? thing.ToString();
        var sentence = $"{name} has a password of its own now for {account.Service} ({account.User}). It is in Gatehouse's vault; the one it was shipped with is refused.";
        await record.ApplyAsync(new Noted("password.rotated", thing, sentence) { At = record.Time.GetUtcNow() }, cancellationToken);
        return new(SecuredBy.Rotation);
    }

    private static int Length(Account account) =>
        account.Parameters.TryGetValue("max-length", out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var most)
            ? Math.Min(most, PasswordMaker.UsualLength) : PasswordMaker.UsualLength;

    [LoggerMessage(EventId = 5101, Level = LogLevel.Warning, Message = "The password of {Thing} for {Service} was not changed: {Reason}")]
    private static partial void NotChanged(ILogger logger, MacAddress thing, string service, string reason);

    /// <summary>Tries passwords at one account, slowly and not often.</summary>
    private sealed class Door(IRotationMethod way, Account account, DeviceLink link, TimeProvider time)
    {
        private int _tries;

        public bool EverAnswered { get; private set; }

        public async Task<bool> OpensAsync(string password, CancellationToken cancellationToken)
        {
            for (var silences = 1; ; silences++)
            {
                if (_tries++ > 0) await Task.Delay(TryInterval, time, cancellationToken);
                if (_tries > MaxTries) throw new DeviceRefusedException("too many tries were needed, and more might lock it");
                try
                {
                    var opens = await way.SignsInAsync(link, account, password, cancellationToken);
                    EverAnswered = true;
                    return opens;
                }
                catch (DeviceUnreachableException) when (silences < MaxSilences)
                {
                    await Task.Delay(SilenceWait, time, cancellationToken);
                }
            }
        }
    }
}
