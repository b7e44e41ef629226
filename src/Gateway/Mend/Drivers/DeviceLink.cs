using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Gatehouse.Wire;

namespace Gatehouse.Mend.Drivers;

/// <summary>What a device answered to one HTTP request. Its bytes are hostile.</summary>
/// <param name="Body">At most <see cref="DeviceLink.MaxAnswerBytes"/>; what came after that was left unread.</param>
public sealed record DeviceAnswer(int Status, byte[] Body)
{
    /// <summary>The body as Latin-1 text: every byte has a meaning, so nothing is lost or replaced.</summary>
    public string Text => Encoding.Latin1.GetString(Body);
}

/// <summary>
/// The way from the gateway to one Thing, for drivers and credential methods. Every wait and every size is limited here; every failure to
/// get an answer is a <see cref="DeviceUnreachableException"/>. Redirects, cookies and compression are not followed: a Thing must not send us elsewhere.
/// </summary>
public sealed class DeviceLink : IDisposable
{
    /// <summary>Most of one answer's body that is read, in bytes. Version pages and status answers are far smaller.</summary>
    public const int MaxAnswerBytes = 64 * 1024;

    /// <summary>Longest wait for a connection and for an answer to a small request.</summary>
    public static readonly TimeSpan AnswerWait = TimeSpan.FromSeconds(5);

    /// <summary>Longest time one image may take: 16 MiB to a Thing that writes 10 kB a second, which is slower than any flash we know.</summary>
    public static readonly TimeSpan UploadWait = TimeSpan.FromMinutes(30);

    private readonly IDeviceNetwork _network;
    private readonly Func<IPAddress?> _address;
    private readonly HttpClient _http;

    /// <param name="address">Its address now, or null: a Thing may come back from a restart with another.</param>
    public DeviceLink(MacAddress thing, Func<IPAddress?> address, ImmutableDictionary<string, string> parameters, IDeviceNetwork network)
    {
        (Thing, _address, Parameters, _network) = (thing, address, parameters, network);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 16,
            ConnectTimeout = AnswerWait,
            PooledConnectionLifetime = TimeSpan.Zero,
            ConnectCallback = (context, cancellation) =>
                new ValueTask<Stream>(_network.ConnectAsync(Thing, new IPEndPoint(RequireAddress(), context.DnsEndPoint.Port), cancellation)),
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    public MacAddress Thing { get; }

    /// <summary>The pack's parameters for the driver.</summary>
    public ImmutableDictionary<string, string> Parameters { get; }

    /// <summary>The parameter called <paramref name="name"/>, or what is usual.</summary>
    public string Parameter(string name, string usual) => Parameters.GetValueOrDefault(name, usual);

    /// <summary>The port in the parameter called <paramref name="name"/>, or the usual one.</summary>
    public ushort Port(string name, ushort usual) =>
        Parameters.TryGetValue(name, out var text) && ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0 ? port : usual;

    /// <summary>Asks for one page.</summary>
    /// <exception cref="DeviceUnreachableException">No whole answer came in time.</exception>
    public Task<DeviceAnswer> GetAsync(ushort port, string path, CancellationToken cancellationToken) =>
        SendAsync(Request(HttpMethod.Get, port, path), AnswerWait, cancellationToken);

    /// <summary>Asks for one page with a user name and a password.</summary>
    public Task<DeviceAnswer> GetAsync(ushort port, string path, string user, string password, CancellationToken cancellationToken)
    {
        var request = Request(HttpMethod.Get, port, path);
        request.Headers.Authorization = Basic(user, password);
        return SendAsync(request, AnswerWait, cancellationToken);
    }

    /// <summary>Sends a form with a user name and a password.</summary>
    public Task<DeviceAnswer> PostFormAsync(
        ushort port, string path, IEnumerable<KeyValuePair<string, string>> fields, string user, string password, CancellationToken cancellationToken)
    {
        var request = Request(HttpMethod.Post, port, path);
        request.Headers.Authorization = Basic(user, password);
        request.Content = new FormUrlEncodedContent(fields);
        return SendAsync(request, AnswerWait, cancellationToken);
    }

    /// <summary>Uploads a file as a browser's form does (RFC 7578): one field, with its length known in advance.</summary>
    /// <exception cref="DeviceUnreachableException">The connection broke or no answer came. The device may have all, some or none of it.</exception>
    public async Task<DeviceAnswer> PostFileAsync(
        ushort port, string path, string field, string fileName, Stream file, long length, CancellationToken cancellationToken)
    {
        var request = Request(HttpMethod.Post, port, path);
        request.Headers.ExpectContinue = false;
        request.Content = new FormFileContent(field, fileName, file, length);
        return await SendAsync(request, UploadWait, cancellationToken);
    }

    /// <summary>True when something accepts a connection at <paramref name="port"/>.</summary>
    public async Task<bool> AcceptsAsync(ushort port, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await ConnectAsync(port, cancellationToken);
            return true;
        }
        catch (DeviceUnreachableException)
        {
            return false;
        }
    }

    /// <summary>Opens a connection to <paramref name="port"/>; the caller closes it.</summary>
    /// <exception cref="DeviceUnreachableException">Nobody accepts there, or it has no address.</exception>
    public async Task<Stream> ConnectAsync(ushort port, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerWait);
        try
        {
            return await _network.ConnectAsync(Thing, new IPEndPoint(RequireAddress(), port), limit.Token);
        }
        catch (Exception refused) when (refused is SocketException or IOException)
        {
            throw new DeviceUnreachableException($"port {port} does not answer", refused);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DeviceUnreachableException($"port {port} does not answer", late);
        }
    }

    public void Dispose() => _http.Dispose();

    private IPAddress RequireAddress() => _address() ?? throw new DeviceUnreachableException("it has no address at the moment");

    private HttpRequestMessage Request(HttpMethod method, ushort port, string path)
    {
        var address = RequireAddress();
        var uri = new UriBuilder(Uri.UriSchemeHttp, address.ToString(), port).Uri;
        var request = new HttpRequestMessage(method, new Uri(uri, path)) { Version = HttpVersion.Version11 };
        // A page of its own sends this: Tasmota and others refuse requests without it, against forged requests from other sites.
        request.Headers.Referrer = uri;
        request.Headers.ConnectionClose = true;
        return request;
    }

    private async Task<DeviceAnswer> SendAsync(HttpRequestMessage request, TimeSpan wait, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(wait);
        try
        {
            using (request)
            using (var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token))
                return new DeviceAnswer((int)response.StatusCode, await ReadBodyAsync(response, limit.Token));
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or SocketException)
        {
            throw new DeviceUnreachableException($"no answer to {request.Method} {request.RequestUri?.PathAndQuery}", broken);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DeviceUnreachableException($"no answer to {request.Method} {request.RequestUri?.PathAndQuery} within {wait.TotalSeconds:0} s", late);
        }
    }

    private static async Task<byte[]> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = new byte[MaxAnswerBytes];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken);
        return body[..length];
    }

    private static AuthenticationHeaderValue Basic(string user, string password) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
}
