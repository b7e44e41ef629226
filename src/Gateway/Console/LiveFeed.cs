using System.Threading.Channels;
using Gatehouse.Home;

namespace Gatehouse.Console;

/// <summary>Tells open pages that the record changed (server-sent events). A page that hears it asks for itself again; nothing else is sent.</summary>
internal sealed class LiveFeed(HomeRecord record)
{
    /// <summary>Pages that may listen at once; a further one stays as it is until it is loaded again.</summary>
    public const int MaxListeners = 48;

    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(20);

    // Changes come in bursts (an attack): a page is told at most twice a second.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private int _listeners;

    public async Task ServeAsync(HttpContext context, CancellationToken stop)
    {
        if (Interlocked.Increment(ref _listeners) > MaxListeners)
        {
            Interlocked.Decrement(ref _listeners);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        var changes = record.Subscribe(capacity: 1);
        try
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stop);
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers["X-Accel-Buffering"] = "no";
            await SendAsync(context, "retry: 2000\n\n", end.Token);
            while (await TellAsync(context, changes, end.Token))
            {
            }
        }
        catch (OperationCanceledException)
        {
            // The page was closed, or the console stops.
        }
        finally
        {
            record.Unsubscribe(changes);
            Interlocked.Decrement(ref _listeners);
        }
    }

    private static async Task<bool> TellAsync(HttpContext context, ChannelReader<Recorded> changes, CancellationToken end)
    {
        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(end);
        quiet.CancelAfter(Heartbeat);
        try
        {
            if (!await changes.WaitToReadAsync(quiet.Token)) return false;
        }
        catch (OperationCanceledException) when (!end.IsCancellationRequested)
        {
            await SendAsync(context, ": still here\n\n", end);
            return true;
        }

        while (changes.TryRead(out _))
        {
        }

        await SendAsync(context, "event: changed\ndata: 1\n\n", end);
        await Task.Delay(Pause, end);
        return true;
    }

    private static async Task SendAsync(HttpContext context, string text, CancellationToken end)
    {
        await context.Response.WriteAsync(text, end);
        await context.Response.Body.FlushAsync(end);
    }
}
