using System.Collections.Immutable;
using Gatehouse.Home;
using Gatehouse.Mend.Drivers;
using Gatehouse.Packs;
using Gatehouse.Trust;
using Gatehouse.Wire;

namespace Gatehouse.Mend;

/// <summary>
/// Asks each repository of the trust map now and then, and offers what fits. A repository that cannot be trusted is journalled once for each
/// reason, and offers nothing.
/// </summary>
public sealed partial class OfferFinder(
    HomeRecord record, PackLibrary packs, TrustMap map, FirmwareRepositories repositories, IReadOnlyList<IDeviceDriver> drivers, IDeviceNetwork network,
    ILogger<OfferFinder> logger)
{
    /// <summary>Time between two questions to one Thing for its version; Things that are away cost a wait each.</summary>
    public static readonly TimeSpan AskInterval = TimeSpan.FromMinutes(1);

    private readonly Dictionary<MacAddress, (DateTimeOffset At, FirmwareVersion? Version)> _asked = [];
    private readonly Dictionary<string, string> _lastDoubt = [];
    private readonly Dictionary<string, RepositoryContent> _content = [];

    /// <summary>Polls until cancelled. Between two polls, a Thing that was just recognised is looked after at once with what is known.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var changes = record.Subscribe(capacity: 64);
        try
        {
            while (true)
            {
                await PollAsync(cancellationToken);
                await WaitAsync(changes, cancellationToken);
            }
        }
        finally
        {
            record.Unsubscribe(changes);
        }
    }

    /// <summary>Asks every repository once and offers what fits.</summary>
    public async Task PollAsync(CancellationToken cancellationToken)
    {
        foreach (var repository in map.Repositories) await RefreshAsync(repository.Name, cancellationToken);
        await OfferAsync(cancellationToken);
    }

    private async Task WaitAsync(System.Threading.Channels.ChannelReader<Recorded> changes, CancellationToken cancellationToken)
    {
        var poll = Task.Delay(map.Poll, record.Time, cancellationToken);
        while (!poll.IsCompleted)
        {
            var change = changes.WaitToReadAsync(cancellationToken).AsTask();
            await Task.WhenAny(poll, change);
            cancellationToken.ThrowIfCancellationRequested();
            var isNews = false;
            while (changes.TryRead(out var recorded)) isNews |= recorded.Change is ThingIdentified;
            if (isNews) await OfferAsync(cancellationToken);
            if (change.IsCompleted && !await change) return;
        }
    }

    private async Task RefreshAsync(string repository, CancellationToken cancellationToken)
    {
        try
        {
            var content = await repositories.RefreshAsync(repository, cancellationToken);
            foreach (var fault in content.Faults.Except(_content.GetValueOrDefault(repository)?.Faults ?? [])) NoRelease(logger, repository, fault);
            _content[repository] = content;
            _lastDoubt.Remove(repository);
        }
        catch (TrustException doubt)
        {
            // What was listed before may have been withdrawn since: it is not offered to anybody new.
            _content.Remove(repository);
            Untrusted(logger, repository, doubt.Reason, doubt.Message);
            if (IsOnlyAbsent(doubt.Reason) || _lastDoubt.GetValueOrDefault(repository) == doubt.Message) return;
            _lastDoubt[repository] = doubt.Message;
            await record.ApplyAsync(new Noted("repository.doubted", null, $"The update server of '{repository}' is not believed: {doubt.Message}") { At = record.Time.GetUtcNow() }, cancellationToken);
        }
    }

    private async Task OfferAsync(CancellationToken cancellationToken)
    {
        var versions = await AskVersionsAsync(cancellationToken);
        foreach (var outdated in OfferRules.Outdated(record.Current, versions, record.Time.GetUtcNow())) await record.ApplyAsync(outdated, cancellationToken);
        foreach (var (repository, content) in _content)
        {
            foreach (var offer in OfferRules.NewOffers(record.Current, packs, repository, content.Releases, versions, record.Time.GetUtcNow()))
                await record.ApplyAsync(offer, cancellationToken);
        }
    }

    /// <summary>Asks Things that something could be offered to, but whose version See has not read.</summary>
    private async Task<ImmutableDictionary<MacAddress, FirmwareVersion>> AskVersionsAsync(CancellationToken cancellationToken)
    {
        var (now, versions) = (record.Time.GetUtcNow(), ImmutableDictionary.CreateBuilder<MacAddress, FirmwareVersion>());
        foreach (var (gone, _) in _asked.Where(asked => now - asked.Value.At >= AskInterval).ToList()) _asked.Remove(gone);
        foreach (var thing in record.Current.Things.Values)
        {
            if (thing.Address is null || FirmwareVersion.TryParse(thing.Identity.Firmware?.Value, out _)) continue;
            if (packs.Find(thing.Identity.Pack)?.Update is not { Repository: { } repository } update || !_content.ContainsKey(repository)) continue;
            if (drivers.FirstOrDefault(driver => driver.Name == update.Driver) is not { } driver || !driver.FaultsOf(update.Parameters).IsEmpty) continue;
            if (!_asked.ContainsKey(thing.Mac)) _asked[thing.Mac] = (now, await AskVersionAsync(thing, driver, update.Parameters, cancellationToken));
            if (_asked[thing.Mac].Version is { } version) versions[thing.Mac] = version;
        }

        return versions.ToImmutable();
    }

    private async Task<FirmwareVersion?> AskVersionAsync(Thing thing, IDeviceDriver driver, ImmutableDictionary<string, string> parameters, CancellationToken cancellationToken)
    {
        using var link = new DeviceLink(thing.Mac, () => thing.Address, parameters, network);
        try
        {
            return await driver.ReadVersionAsync(link, cancellationToken);
        }
        catch (Exception silent) when (silent is DeviceUnreachableException or DeviceRefusedException)
        {
            return null;
        }
    }

    private static bool IsOnlyAbsent(TrustReason reason) => reason is TrustReason.Unavailable or TrustReason.TooSlow;

    [LoggerMessage(EventId = 5201, Level = LogLevel.Warning, Message = "Repository {Repository} is not used ({Reason}): {Sentence}")]
    private static partial void Untrusted(ILogger logger, string repository, TrustReason reason, string sentence);

    [LoggerMessage(EventId = 5202, Level = LogLevel.Warning, Message = "Repository {Repository} lists a target that is no release: {Fault}")]
    private static partial void NoRelease(ILogger logger, string repository, string fault);
}
