using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gatehouse.Lab.Net;

/// <summary>A request as a device's small web server sees it.</summary>
internal sealed record HttpRequest(string Method, string Path, IReadOnlyDictionary<string, string> Query, IReadOnlyDictionary<string, string> Headers, byte[] Body);

internal sealed record HttpReply(int Status, string ContentType, string Body);

/// <summary>A web server as small devices have: one request per connection, whatever header they like. Stands in one namespace.</summary>
internal sealed class SmallHttpServer(string inNamespace, int port, string serverHeader, Func<HttpRequest, HttpReply> answer) : IAsyncDisposable
{
    private const int MaxBodyBytes = 8 << 20;

    private readonly CancellationTokenSource _stop = new();
    private Socket? _listener;
    private Task _loop = Task.CompletedTask;

    public void Start()
    {
        _listener = NetworkNamespace.Inside(inNamespace, () =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            socket.Listen(16);
            return socket;
        });
        _loop = AcceptAsync(_stop.Token);
    }

    private async Task AcceptAsync(CancellationToken cancellationToken)
    {
        var running = new List<Task>();
        try
        {
            while (true)
            {
                var connection = await _listener!.AcceptAsync(cancellationToken);
                running.RemoveAll(task => task.IsCompleted);
                running.Add(ServeAsync(connection, cancellationToken));
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(running);
        }
    }

    private async Task ServeAsync(Socket connection, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(20));
        try
        {
            await using var stream = new NetworkStream(connection, ownsSocket: true);
            if (await ReadAsync(stream, timeout.Token) is not { } request) return;
            var reply = answer(request);
            var body = Encoding.UTF8.GetBytes(reply.Body);
            var head = $"HTTP/1.1 {reply.Status} {(HttpStatusCode)reply.Status}\r\nServer: {serverHeader}\r\nContent-Type: {reply.ContentType}\r\nContent-Length: {body.Length}\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n";
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head), timeout.Token);
            await stream.WriteAsync(body, timeout.Token);
        }
        catch (Exception problem) when (problem is IOException or OperationCanceledException or SocketException or FormatException)
        {
            // A client that went away or spoke nonsense gets no answer, as on the real device.
        }
    }

    private static async Task<HttpRequest?> ReadAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var head = new List<byte>(512);
        var one = new byte[1];
        while (head.Count < 16384)
        {
            if (await stream.ReadAsync(one, cancellationToken) == 0) return null;
            head.Add(one[0]);
            if (head.Count >= 4 && head[^1] == '\n' && head[^2] == '\r' && head[^3] == '\n') break;
        }

        var lines = Encoding.Latin1.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines[0].Split(' ') is not [var method, var target, ..]) return null;
        var headers = lines.Skip(1).Select(line => line.Split(':', 2)).Where(pair => pair.Length == 2)
            .GroupBy(pair => pair[0].Trim(), StringComparer.OrdinalIgnoreCase).ToDictionary(group => group.Key, group => group.First()[1].Trim(), StringComparer.OrdinalIgnoreCase);
        var length = headers.TryGetValue("Content-Length", out var text) && int.TryParse(text, out var number) ? Math.Clamp(number, 0, MaxBodyBytes) : 0;
        if (headers.GetValueOrDefault("Expect") is { } expect && expect.StartsWith("100", StringComparison.Ordinal))
            await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), cancellationToken);
        var body = new byte[length];
        await stream.ReadExactlyAsync(body, cancellationToken);

        var parts = target.Split('?', 2);
        var query = parts.Length < 2 ? [] : parts[1].Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
            .GroupBy(pair => Uri.UnescapeDataString(pair[0])).ToDictionary(group => group.Key, group => group.First() is [_, var value] ? Uri.UnescapeDataString(value.Replace('+', ' ')) : "");
        return new(method, parts[0], query, headers, body);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener?.Dispose();
        await _loop;
        _stop.Dispose();
    }
}
