using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Watch;

public sealed partial class WatchService
{
    [LoggerMessage(4001, LogLevel.Information, "watching {Interface}")]
    private static partial void WatchStarted(ILogger logger, string @interface);

    [LoggerMessage(4002, LogLevel.Warning, "{Mac}: {Rule} ({Certainty}, {Count} counted)")]
    private static partial void FindingRaised(ILogger logger, MacAddress mac, string rule, Certainty certainty, long count);

    [LoggerMessage(4003, LogLevel.Warning, "{Mac}: {Restraint} because of {Rule}")]
    private static partial void ThingRestrained(ILogger logger, MacAddress mac, Restraint restraint, string rule);
}
