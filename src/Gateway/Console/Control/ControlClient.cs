using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gatehouse.Console.Control;

/// <summary>Talks to the running gateway over <c>control.sock</c>. Whoever may open the socket is the owner.</summary>
public sealed class ControlClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _socket;

    public ControlClient(string runFolder)
    {
        _socket = Path.Combine(runFolder, "control.sock");
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectCallback = ConnectAsync }) { BaseAddress = new Uri("http://control/"), Timeout = TimeSpan.FromSeconds(30) };
    }

    /// <summary>Reads a resource.</summary>
    /// <exception cref="GatewayNotRunningException">Nobody answers at the socket.</exception>
    /// <exception cref="ControlRefusedException">The gateway answered that it cannot.</exception>
    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, path, null, cancellationToken);
        return await response.Content.ReadFromJsonAsync(type, cancellationToken) ?? throw new JsonException("The gateway answered null.");
    }

    /// <summary>Carries out an action: <c>allow</c>, <c>deny</c>, <c>update</c>, <c>quarantine</c>, <c>release</c>, <c>panic</c>.</summary>
    /// <exception cref="GatewayNotRunningException">Nobody answers at the socket.</exception>
    /// <exception cref="ControlRefusedException">The gateway answered that it cannot.</exception>
    public async Task<ActionReply> ActAsync(string action, ActionRequest request, CancellationToken cancellationToken)
    {
        using var body = JsonContent.Create(request, ControlJson.Default.ActionRequest);
        using var response = await SendAsync(HttpMethod.Post, "v1/" + action, body, cancellationToken);
        return await response.Content.ReadFromJsonAsync(ControlJson.Default.ActionReply, cancellationToken) ?? throw new JsonException("The gateway answered null.");
    }

    /// <summary>A one-time code with which a browser may choose a new passphrase.</summary>
    /// <exception cref="GatewayNotRunningException">Nobody answers at the socket.</exception>
    public async Task<CodeReply> MakeCodeAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Post, "v1/code", null, cancellationToken);
        return await response.Content.ReadFromJsonAsync(ControlJson.Default.CodeReply, cancellationToken) ?? throw new JsonException("The gateway answered null.");
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = body };
            response = await _http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException failure) when (failure.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied })
        {
            throw new GatewayNotRunningException($"{_socket} may only be opened by the gateway's owner. Try again as root (sudo).");
        }
        catch (HttpRequestException)
        {
            throw new GatewayNotRunningException($"No gateway answers at {_socket}. Start it with 'gatehouse up', or name its run folder with --run.");
        }

        if (response.IsSuccessStatusCode) return response;

        using (response)
        {
            var reply = response.Content.Headers.ContentType?.MediaType == "application/json"
                ? await response.Content.ReadFromJsonAsync(ControlJson.Default.ActionReply, cancellationToken)
                : null;
            throw new ControlRefusedException(reply ?? new ActionReply("refused", $"The gateway answered {(int)response.StatusCode}.", []));
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socket), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>Nobody answers at the control socket, or this user may not open it.</summary>
public sealed class GatewayNotRunningException(string message) : Exception(message);

/// <summary>The gateway answered that it cannot do this; the reply says why.</summary>
public sealed class ControlRefusedException(ActionReply reply) : Exception(reply.Sentence)
{
    public ActionReply Reply { get; } = reply;
}
