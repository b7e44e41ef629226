using Gatehouse.Console;
using Gatehouse.Home;

namespace Gatehouse.Commands;

/// <summary>Makes the parts, wires them to each other and to the record, and runs them until it is told to stop. Decides nothing.</summary>
internal static partial class Gateway
{
    /// <returns>The exit code: 0 stopped as told, 1 it could not start (the reason is on standard error).</returns>
    public static async Task<int> RunAsync(GatewayOptions options, CancellationToken cancellationToken)
    {
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Information)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ ", true)));
        var time = TimeProvider.System;
        await using var record = HomeRecord.Open(options.RecordPath, time);
        var supervisor = new Supervisor(time, loggers.CreateLogger<Supervisor>());

        var counted = new NothingCounted();
        var console = new ConsoleServer(record, new ConsoleOptions { RunFolder = options.RunFolder }, counted, counted, loggers);
        supervisor.Add("the console", console.RunAsync);

        await supervisor.RunAsync(cancellationToken);
        return 0;
    }
}
