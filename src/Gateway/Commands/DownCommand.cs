using System.CommandLine;
using System.Text.Json;
using Gatehouse.Fence;
using Gatehouse.Fence.Kernel;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse down</c>: takes the fence away and puts the network back. The fence outlives the gateway's process on purpose; this is how it ends.</summary>
internal static class DownCommand
{
    public static Command Create()
    {
        var run = new Option<string>("--run") { Description = "The gateway's run folder.", HelpName = "DIR", DefaultValueFactory = _ => "/run/gatehouse" };
        var command = new DescribedCommand("down", "Take the fence away and put the network back as it was before 'up'. Stop the gateway first.", "gatehouse down") { run };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                GatewayNetworkSetup.Down(parsed.GetRequiredValue(run));
                return ExitCode.Ok;
            }
            catch (Exception failure) when (failure is NftablesException or IOException or UnauthorizedAccessException or JsonException)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"gatehouse down: {failure.Message}".AsMemory(), cancellationToken);
                return ExitCode.Failed;
            }
        });
        return command;
    }
}
