using Gatehouse.Wire;

namespace Gatehouse.Fence.Names;

public sealed partial class DnsForwarder
{
    [LoggerMessage(3201, LogLevel.Warning, "{Mac} was led into the house by the answer for {Name}; the answer was kept from it.")]
    private static partial void LogRebinding(ILogger logger, MacAddress mac, string name);

    [LoggerMessage(3202, LogLevel.Error, "A DNS question could not be answered.")]
    private static partial void LogFailed(ILogger logger, Exception failure);

    [LoggerMessage(3203, LogLevel.Information, "DNS questions are answered at {Address}, from {Upstream}.")]
    private static partial void LogListening(ILogger logger, System.Net.IPEndPoint address, System.Net.IPEndPoint upstream);
}
