namespace Gatehouse.Commands;

/// <summary>Runs the gateway's parts side by side. A part that fails is started again, later each time; the others go on meanwhile.</summary>
/// <remarks>The kernel's rules stand whatever happens here, so a failing part means less service, never an open fence.</remarks>
internal sealed partial class Supervisor(TimeProvider time, ILogger<Supervisor> logger)
{
    /// <summary>The longest wait before a part is started again.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>A part that has run this long is well again: its next failure waits the shortest time.</summary>
    public static readonly TimeSpan WellAfter = TimeSpan.FromMinutes(2);

    private readonly List<(string Name, Func<CancellationToken, Task> RunAsync)> _parts = [];

    public void Add(string name, Func<CancellationToken, Task> runAsync) => _parts.Add((name, runAsync));

    /// <summary>Returns when all parts have ended after <paramref name="cancellationToken"/> was cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(_parts.Select(part => KeepRunningAsync(part.Name, part.RunAsync, cancellationToken)));

    private async Task KeepRunningAsync(string name, Func<CancellationToken, Task> runAsync, CancellationToken cancellationToken)
    {
        var wait = TimeSpan.Zero;
        while (!cancellationToken.IsCancellationRequested)
        {
            var begun = time.GetTimestamp();
            try
            {
                await Task.Run(() => runAsync(cancellationToken), CancellationToken.None);
                if (!cancellationToken.IsCancellationRequested) PartEnded(name);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // One part is the unit of work here: whatever it threw is logged and it is started again.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                PartFailed(failure, name);
            }

            if (time.GetElapsedTime(begun) > WellAfter) wait = TimeSpan.Zero;
            wait = TimeSpan.FromSeconds(Math.Min(LongestWait.TotalSeconds, Math.Max(0.5, wait.TotalSeconds * 2)));
            await Task.Delay(wait, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(1001, LogLevel.Error, "{Part} failed and is started again")]
    private partial void PartFailed(Exception failure, string part);

    [LoggerMessage(1002, LogLevel.Error, "{Part} ended by itself and is started again")]
    private partial void PartEnded(string part);
}
