using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Mend;

public sealed partial class UpdateEngine
{
    [LoggerMessage(EventId = 5001, Level = LogLevel.Information, Message = "Update of {Thing} to {Version}: {State}. {Reason}")]
    private static partial void Stepped(ILogger logger, MacAddress thing, string version, UpdateState state, string reason);

    [LoggerMessage(EventId = 5002, Level = LogLevel.Warning, Message = "No image of {Version} to go back to for {Thing}: {Reason}")]
    private static partial void NoWayBack(ILogger logger, MacAddress thing, string version, string reason);

    [LoggerMessage(EventId = 5003, Level = LogLevel.Warning, Message = "Image for {Thing} was not taken whole: {Reason}")]
    private static partial void UploadBroke(ILogger logger, MacAddress thing, string reason);
}
