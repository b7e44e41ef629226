using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Gatehouse.Tests.Gateway.Console;

/// <summary>A browser without JavaScript: follows redirects, keeps cookies, and sends the token of the last page it saw.</summary>
internal sealed partial class Browser : IDisposable
{
    private readonly HttpClient _http;

    public Browser(ConsoleHome home, string socketName = "console.sock") => _http = new HttpClient(new SocketsHttpHandler
    {
        CookieContainer = new CookieContainer(),
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(home.RunFolder, socketName)), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://127.0.0.1/"),
    };

    public string Token { get; private set; } = "";

    /// <summary>Sent with every request.</summary>
    public Dictionary<string, string> Headers { get; } = [];

    public Task<Seen> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    public Task<Seen> PostAsync(string path, params (string Name, string Value)[] fields)
    {
        var form = fields.ToDictionary(field => field.Name, field => field.Value);
        form.TryAdd("token", Token);
        return SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(form) });
    }

    public Task<Stream> OpenAsync(string path, CancellationToken cancellationToken) => _http.GetStreamAsync(new Uri(path, UriKind.Relative), cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<Seen> SendAsync(HttpRequestMessage request)
    {
        using (request)
        {
            foreach (var (name, value) in Headers)
            {
                if (name == "Host") request.Headers.Host = value;
                else request.Headers.TryAddWithoutValidation(name, value);
            }

            using var response = await _http.SendAsync(request);
            var body = await response.Content.ReadAsStringAsync();
            if (TokenField().Match(body) is { Success: true } token) Token = token.Groups[1].Value;
            var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
            return new Seen((int)response.StatusCode, response.RequestMessage!.RequestUri!.AbsolutePath, body, headers);
        }
    }

    [GeneratedRegex("""name="token" value="([^"]*)""")]
    private static partial Regex TokenField();
}

/// <summary>What the browser ended up with.</summary>
internal sealed record Seen(int Status, string Path, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public string Header(string name) => Headers.GetValueOrDefault(name, "");
}
