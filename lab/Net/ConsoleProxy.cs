using System.Net;
using System.Net.Sockets;

namespace Gatehouse.Lab.Net;

/// <summary>
/// Brings the console's Unix socket to a port of 127.0.0.1: the home has no way out, and a file is the one thing both sides see. Runs outside the home's
/// namespaces, passes bytes, reads none.
/// </summary>
internal sealed class ConsoleProxy(int port, string socketPath)
{
    /// <summary>Connections at a time; more wait in the listener's queue.</summary>
    private const int MaxConnections = 64;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        }
        catch (SocketException problem)
        {
            throw new LabException($"port {port} of 127.0.0.1 cannot be used: {problem.Message}");
        }

        listener.Listen(64);
        using var room = new SemaphoreSlim(MaxConnections);
        var running = new List<Task>();
        try
        {
            while (true)
            {
                await room.WaitAsync(cancellationToken);
                var client = await listener.AcceptAsync(cancellationToken);
                running.RemoveAll(task => task.IsCompleted);
                running.Add(PassAsync(client, room, cancellationToken));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(running);
        }
    }

    private async Task PassAsync(Socket client, SemaphoreSlim room, CancellationToken cancellationToken)
    {
        using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            using (client)
            {
                await server.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
                await using var near = new NetworkStream(client);
                await using var far = new NetworkStream(server);
                using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                var there = near.CopyToAsync(far, ended.Token);
                var back = far.CopyToAsync(near, ended.Token);
                await Task.WhenAny(there, back);
                // One side is done; the other has what was sent before it closed.
                if (there.IsCompleted) server.Shutdown(SocketShutdown.Send);
                ended.CancelAfter(TimeSpan.FromSeconds(5));
                await Task.WhenAll(there, back);
            }
        }
        catch (Exception problem) when (problem is SocketException or IOException or OperationCanceledException)
        {
            // A closed tab, or the gateway is not up (yet): the browser says so and tries again.
        }
        finally
        {
            room.Release();
        }
    }
}
