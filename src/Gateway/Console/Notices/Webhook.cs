using System.Threading.Channels;
using Gatehouse.Home;

namespace Gatehouse.Console.Notices;

/// <summary>
/// Posts each <see cref="Notice"/> as JSON to an address of the owner's, in order. While nobody answers there, notices wait; the oldest go when too many
/// wait. Nothing else waits for it.
/// </summary>
public sealed partial class Webhook(HomeRecord record, Uri address, HttpMessageHandler handler, ILogger<Webhook> logger)
{
    /// <summary>Notices that wait; beyond them the oldest is dropped and counted.</summary>
    public const int MaxWaiting = 100;

    /// <summary>Tries for one notice, with pauses that double from <see cref="FirstPause"/>: about two minutes in all.</summary>
    public const int MaxTries = 7;

    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Bursts of changes (an attack's findings) pass through here before they are sorted; notices are few among them.
    private const int MaxChanges = 1024;

    private readonly Channel<Notice> _waiting = Channel.CreateBounded<Notice>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private long _lost;

    /// <summary>Notices that were never taken by the other side.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>A handler as <see cref="Webhook"/> wants it: no proxy, no cookies, no redirects to somewhere the owner did not name.</summary>
    public static HttpMessageHandler MakeHandler() => new SocketsHttpHandler
    {
        UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ConnectTimeout = Patience, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30), MaxResponseHeadersLength = 16,
    };

    /// <summary>Posts until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var changes = record.Subscribe(MaxChanges);
        try
        {
            await Task.WhenAll(SortAsync(changes, cancellationToken), PostAllAsync(cancellationToken));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Told to stop; what waits is in the journal and on the pages.
        }
        finally
        {
            record.Unsubscribe(changes);
        }
    }

    private async Task SortAsync(ChannelReader<Recorded> changes, CancellationToken cancellationToken)
    {
        await foreach (var recorded in changes.ReadAllAsync(cancellationToken))
        {
            if (Notice.Of(recorded) is not { } notice) continue;
            if (_waiting.Reader.Count >= MaxWaiting) CountLost("too many wait");
            _waiting.Writer.TryWrite(notice);
        }
    }

    private async Task PostAllAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient(handler, disposeHandler: false) { Timeout = Patience };
        await foreach (var notice in _waiting.Reader.ReadAllAsync(cancellationToken))
        {
            if (await PostAsync(http, notice, cancellationToken) is { } reason) CountLost(reason);
        }
    }

    /// <summary>Null when it was taken, else why it never was.</summary>
    private async Task<string?> PostAsync(HttpClient http, Notice notice, CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        for (var attempt = 1; ; attempt++)
        {
            var reason = await TryPostAsync(http, notice, cancellationToken);
            if (reason is null || attempt == MaxTries) return reason;

            await Task.Delay(pause, record.Time, cancellationToken);
            pause *= 2;
        }
    }

    private async Task<string?> TryPostAsync(HttpClient http, Notice notice, CancellationToken cancellationToken)
    {
        try
        {
            using var body = JsonContent.Create(notice, NoticeJson.Default.Notice);
            // With a length, not in chunks: small receivers understand only that.
            await body.LoadIntoBufferAsync(cancellationToken);
            using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = body };
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return response.IsSuccessStatusCode ? null : $"it answered {(int)response.StatusCode}";
        }
        catch (HttpRequestException failure)
        {
            return failure.HttpRequestError.ToString();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "it did not answer in time";
        }
    }

    private void CountLost(string reason)
    {
        // The address may hold the owner's key: only its host is logged.
        NoticeLost(logger, address.Host, reason, Interlocked.Increment(ref _lost));
    }

    [LoggerMessage(EventId = 4101, Level = LogLevel.Warning, Message = "A notice was not taken by {Host}: {Reason}. Lost so far: {Lost}.")]
    private static partial void NoticeLost(ILogger logger, string host, string reason, long lost);
}
