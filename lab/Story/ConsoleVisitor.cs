using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Gatehouse.Lab.Story;

/// <summary>A browser without a screen at the console's Unix socket: claims it with the printed code, keeps its cookies, reads pages.</summary>
internal sealed partial class ConsoleVisitor : IDisposable
{
    private readonly string _runFolder;
    private readonly HttpClient _http;

    public ConsoleVisitor(string runFolder)
    {
        _runFolder = runFolder;
        var socketPath = Path.Combine(runFolder, "console.sock");
        var handler = new SocketsHttpHandler
        {
            CookieContainer = new CookieContainer(),
            ConnectCallback = async (_, token) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), token);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://127.0.0.1:8770/"), Timeout = TimeSpan.FromSeconds(10) };
    }

    public async Task SignInAsync(CancellationToken cancellationToken)
    {
        var code = (await File.ReadAllTextAsync(Path.Combine(_runFolder, "claim-code"), cancellationToken)).Trim();
        var page = await GetAsync("/claim", cancellationToken);
        var fields = HiddenFields().Matches(page).ToDictionary(match => match.Groups["name"].Value, match => WebUtility.HtmlDecode(match.Groups["value"].Value));
        (fields["code"], fields["passphrase"], fields["again"]) = (code, "four words of the lab", "four words of the lab");
        if ((await PostAsync("/claim", fields, cancellationToken)).Contains("name=\"again\"", StringComparison.Ordinal)) throw new StoryRedException("the console did not take the claim code");
    }

    /// <summary>Presses the first button of a page whose form leads to an address that ends so; false when there is none.</summary>
    public async Task<bool> PressAsync(string page, string actionEnd, CancellationToken cancellationToken)
    {
        var form = Forms().Matches(page).FirstOrDefault(match => match.Groups["action"].Value.EndsWith(actionEnd, StringComparison.Ordinal));
        if (form is null) return false;
        var fields = HiddenFields().Matches(form.Value).ToDictionary(match => match.Groups["name"].Value, match => WebUtility.HtmlDecode(match.Groups["value"].Value));
        await PostAsync(form.Groups["action"].Value, fields, cancellationToken);
        return true;
    }

    private async Task<string> PostAsync(string path, Dictionary<string, string> fields, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(fields) };
        request.Headers.Add("Origin", "http://127.0.0.1:8770");
        using var reply = await _http.SendAsync(request, cancellationToken);
        if (!reply.IsSuccessStatusCode) throw new StoryRedException($"the console answered {path} with {(int)reply.StatusCode}");
        return await reply.Content.ReadAsStringAsync(cancellationToken);
    }

    public Task<string> GetAsync(string path, CancellationToken cancellationToken) => _http.GetStringAsync(new Uri(path, UriKind.Relative), cancellationToken);

    public void Dispose() => _http.Dispose();

    [GeneratedRegex("<form method=\"post\" action=\"(?<action>[^\"]+)\".*?</form>", RegexOptions.Singleline)]
    private static partial Regex Forms();

    [GeneratedRegex("<input[^>]*type=\"hidden\"[^>]*name=\"(?<name>[^\"]+)\"[^>]*value=\"(?<value>[^\"]*)\"")]
    private static partial Regex HiddenFields();
}
