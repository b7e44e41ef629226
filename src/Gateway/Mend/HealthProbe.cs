using System.Collections.Immutable;
using Gatehouse.Mend.Drivers;
using Gatehouse.Packs;

namespace Gatehouse.Mend;

/// <summary>Asks a Thing for the signs of health its pack names, from outside.</summary>
public static class HealthProbe
{
    /// <returns>What is not well, in words for the owner, or null when every sign is there (or the pack names none).</returns>
    public static async Task<string?> FaultOfAsync(DeviceLink link, ImmutableArray<HealthCheck> checks, CancellationToken cancellationToken)
    {
        foreach (var check in checks)
        {
            if (await FaultOfAsync(link, check, cancellationToken) is { } fault) return fault;
        }

        return null;
    }

    private static async Task<string?> FaultOfAsync(DeviceLink link, HealthCheck check, CancellationToken cancellationToken)
    {
        if (check.HttpPath is not { } path)
            return await link.AcceptsAsync(check.Port, cancellationToken) ? null : $"its port {check.Port} does not answer";
        try
        {
            var answer = await link.GetAsync(check.Port, path, cancellationToken);
            return answer.Status == check.Status ? null : $"its page {path} answers {answer.Status} instead of {check.Status}";
        }
        catch (DeviceUnreachableException)
        {
            return $"its web service at port {check.Port} does not answer";
        }
    }
}
