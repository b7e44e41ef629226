using System.Collections.Concurrent;
using Gatehouse.Home;
using Gatehouse.Mend.Credentials;
using Gatehouse.Mend.Drivers;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.Mend;

/// <summary>What came of the wish to update a Thing.</summary>
public enum StartOutcome
{
    Begun,

    /// <summary>Nothing is on offer for it.</summary>
    NothingOffered,

    /// <summary>One is under way already.</summary>
    AlreadyUnderWay,
}

/// <param name="UpdateId">The update that began or is under way; 0 where there is none.</param>
public sealed record Started(StartOutcome Outcome, long UpdateId);

/// <summary>
/// Looks for offers and runs updates. An update begins when the record says <see cref="UpdateBegun"/>, whoever applied it; those that were under
/// way when the gateway stopped go on when it starts.
/// </summary>
public sealed partial class MendService : IDisposable
{
    /// <summary>Updates that run side by side; the others wait. Each may send an image over a slow link.</summary>
    public const int MaxUpdatesAtOnce = 3;

    /// <summary>Time until a step that failed is taken again.</summary>
    public static readonly TimeSpan RetryInterval = TimeSpan.FromMinutes(1);

    private readonly HomeRecord _record;
    private readonly OfferFinder _finder;
    private readonly UpdateEngine _engine;
    private readonly ImageShelf _shelf;
    private readonly ILogger<MendService> _logger;
    private readonly ConcurrentDictionary<long, Task> _running = new();
    private readonly SemaphoreSlim _slots = new(MaxUpdatesAtOnce, MaxUpdatesAtOnce);

    public MendService(
        HomeRecord record, PackLibrary packs, TrustMap map, FirmwareRepositories repositories, ImageShelf shelf, IDeviceNetwork network, ILoggerFactory loggers)
    {
        (_record, _shelf, _logger) = (record, shelf, loggers.CreateLogger<MendService>());
        var credentials = new CredentialKeeper(record, RotationMethods.All, loggers.CreateLogger<CredentialKeeper>());
        _engine = new UpdateEngine(record, packs, repositories, shelf, DriverTable.All, network, credentials, loggers.CreateLogger<UpdateEngine>());
        _finder = new OfferFinder(record, packs, map, repositories, DriverTable.All, network, loggers.CreateLogger<OfferFinder>());
    }

    /// <summary>The service as the gateway runs it: repositories over HTTP, devices on the LAN, files below the state folder.</summary>
    public static MendService Create(HomeRecord record, PackLibrary packs, TrustMap map, string stateFolder, HttpClient client, ILoggerFactory loggers) => new(
        record, packs, map, FirmwareRepositories.OverHttp(map, Path.Combine(stateFolder, "trust"), client, record.Time),
        new ImageShelf(Path.Combine(stateFolder, "images")), new LanDeviceNetwork(), loggers);

    /// <summary>Begins the update that is on offer for a Thing.</summary>
    /// <param name="consentedBy">Who said yes, for the journal: <c>owner</c>, <c>command line</c>.</param>
    public async Task<Started> StartAsync(MacAddress thing, string consentedBy, CancellationToken cancellationToken)
    {
        var state = _record.Current;
        if (state.UpdateUnderWay(thing) is { } already) return new(StartOutcome.AlreadyUnderWay, already.Id);
        if (state.OfferFor(thing) is not { } offer) return new(StartOutcome.NothingOffered, 0);

        var from = state.Find(thing)?.Identity.Firmware?.Value ?? "an unknown version";
        var after = await _record.ApplyAsync(new UpdateBegun(offer.Id, from, consentedBy) { At = _record.Time.GetUtcNow() }, cancellationToken);
        return after.UpdateUnderWay(thing) is { } begun && begun.OfferId == offer.Id ? new(StartOutcome.Begun, begun.Id) : new(StartOutcome.NothingOffered, 0);
    }

    /// <summary>Runs until cancelled, and returns when every update has come to a place where it may stop.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var changes = _record.Subscribe(capacity: 256);
        var finding = _finder.RunAsync(cancellationToken);
        try
        {
            do
            {
                while (changes.TryRead(out _))
                {
                    // Only a sign that something happened: what to do is read from the record, which is whole even where this queue lost a line.
                }

                foreach (var update in _record.Current.Updates.Values.Where(update => !update.HasEnded)) Begin(update.Id, cancellationToken);
            }
            while (await changes.WaitToReadAsync(cancellationToken));
        }
        finally
        {
            _record.Unsubscribe(changes);
            await Task.WhenAll([finding, .. _running.Values]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => _slots.Dispose();

    private void Begin(long updateId, CancellationToken cancellationToken)
    {
        if (_running.ContainsKey(updateId)) return;
        _running[updateId] = RunOneAsync(updateId, cancellationToken);
    }

    private async Task RunOneAsync(long updateId, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            // A step that fails each time is counted in the record and given up by the engine, so this ends.
            while (!await TryRunAsync(updateId, cancellationToken)) await Task.Delay(RetryInterval, _record.Time, cancellationToken);

            var dropped = _shelf.Trim(IsNeeded, ImageShelf.MaxBytes);
            if (dropped > 0) Trimmed(_logger, dropped);
        }
        catch (IOException failed)
        {
            NotTrimmed(_logger, failed);
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task<bool> TryRunAsync(long updateId, CancellationToken cancellationToken)
    {
        try
        {
            await _engine.RunAsync(updateId, cancellationToken);
            return true;
        }
        catch (Exception failed) when (failed is not OperationCanceledException)
        {
            // One Thing's update (a full disk, a mistake of ours): the others go on.
            Failed(_logger, updateId, failed);
            return false;
        }
    }

    private bool IsNeeded(string sha256)
    {
        var state = _record.Current;
        return state.Updates.Values.Any(update => !update.HasEnded
            && (update.Notes.ContainsValue(sha256) || state.Offers.GetValueOrDefault(update.OfferId)?.Sha256 == sha256));
    }

    [LoggerMessage(EventId = 5301, Level = LogLevel.Information, Message = "{Count} kept images were dropped to make room")]
    private static partial void Trimmed(ILogger logger, int count);

    [LoggerMessage(EventId = 5302, Level = LogLevel.Error, Message = "A step of update {Update} failed; it is taken again in a while")]
    private static partial void Failed(ILogger logger, long update, Exception failed);

    [LoggerMessage(EventId = 5303, Level = LogLevel.Warning, Message = "No room could be made among the kept images")]
    private static partial void NotTrimmed(ILogger logger, Exception failed);
}
