using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.See;

public sealed partial class SeeService
{
    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Device {Mac} joined")]
    private static partial void DeviceSeen(ILogger logger, MacAddress mac);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Information, Message = "Device {Mac} identified: vendor {Vendor}, model {Model}, class {Class}")]
    private static partial void DeviceIdentified(ILogger logger, MacAddress mac, string? vendor, string? model, DeviceClass @class);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Error, Message = "A decoder failed on a {Kind} message of {Mac}: this is a fault of Gatehouse; please report it")]
    private static partial void DecoderFault(ILogger logger, Exception fault, GreetingKind kind, MacAddress mac);
}
