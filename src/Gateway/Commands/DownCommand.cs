using System.CommandLine;
using System.Net.Sockets;
using System.Text.Json;
using Gatehouse.Fence;
using Gatehouse.Fence.Kernel;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse down</c>: takes the fence away and puts the network back as it was before <c>up</c>.</summary>
internal static class DownCommand
{
    public static Command Create()
    {
        var run = new Option<string>("--run") { Description = "The gateway's run folder.", DefaultValueFactory = _ => "/run/gatehouse", HelpName = "DIR" };
        var command = new DescribedCommand("down", "Take the fence away and put the network back as it was before Gatehouse came. The record stays.", "gatehouse down") { run };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var folder = Path.GetFullPath(parse.GetRequiredValue(run));
            var errors = parse.InvocationConfiguration.Error;
            if (await IsRunningAsync(Path.Combine(folder, "control.sock"), cancellationToken))
            {
                await errors.WriteLineAsync("gatehouse down: the gateway is still running and would put the fence up again. Stop it first (Ctrl-C, or systemctl stop gatehouse).");
                return ExitCode.Failed;
            }

            try
            {
                GatewayNetworkSetup.Down(folder);
            }
            catch (Exception failure) when (failure is NftablesException or IOException or UnauthorizedAccessException or JsonException)
            {
                await errors.WriteLineAsync($"gatehouse down: {failure.Message}");
                return ExitCode.Failed;
            }

            await parse.InvocationConfiguration.Output.WriteLineAsync("The fence is down; the network is as it was before.");
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<bool> IsRunningAsync(string controlSocket, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(controlSocket), cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
