using Gatehouse.Wire;

namespace Gatehouse.Fence;

public sealed partial class FenceService
{
    [LoggerMessage(3001, LogLevel.Information, "The fence is up between {Lan} and {Wan}; {Adopted} grants of the last run were adopted.")]
    private static partial void LogUp(ILogger logger, string lan, string wan, int adopted);

    [LoggerMessage(3002, LogLevel.Warning, "The table in the kernel is not this version's and is replaced: {Reason}")]
    private static partial void LogReplaced(ILogger logger, string reason);

    [LoggerMessage(3003, LogLevel.Error, "The kernel refused a change of the fence; the last good rules stay. {Reason}")]
    private static partial void LogRefused(ILogger logger, string reason);

    [LoggerMessage(3004, LogLevel.Warning, "A way for {Mac} could not be opened: {Reason}")]
    private static partial void LogGrantFailed(ILogger logger, MacAddress mac, string reason);

    [LoggerMessage(3005, LogLevel.Information, "{Count} open connections that are no longer allowed were ended.")]
    private static partial void LogEnded(ILogger logger, int count);

    [LoggerMessage(3007, LogLevel.Warning, "{Count} translation rules of others could not be read (iptables' own, or maps). What they open from the Internet is closed while the fence guards.")]
    private static partial void LogUnreadable(ILogger logger, int count);

    [LoggerMessage(3006, LogLevel.Warning, "The fence's counters could not be read: {Reason}")]
    private static partial void LogCountersFailed(ILogger logger, string reason);
}
