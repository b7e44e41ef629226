using Gatehouse.Home;

namespace Gatehouse.Commands;

/// <summary>Makes the parts, wires them to each other and to the record, and runs them until one fails or all are told to stop. Decides nothing.</summary>
internal static class Gateway
{
    public static async Task<int> RunAsync(GatewayOptions options, CancellationToken cancellationToken)
    {
        await using var record = HomeRecord.Open(options.RecordPath, TimeProvider.System);
        await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return 0;
    }
}
