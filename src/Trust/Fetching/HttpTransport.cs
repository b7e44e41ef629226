using System.Net;

namespace Gatehouse.Trust;

/// <summary>
/// A repository on a web server or CDN. Sends nothing but plain GETs; follows no redirect to another scheme; 403 and 404 both mean that
/// there is no such file, since static hosts differ in which they send.
/// </summary>
/// <remarks>Limits on size, idle time and speed are kept by the reader of the streams, so that they hold for every transport.</remarks>
public sealed class HttpTransport : ITransport
{
    private readonly HttpClient _client;
    private readonly Uri _metadata;
    private readonly Uri _targets;

    /// <summary>Uses two base addresses, each ending in a slash.</summary>
    /// <param name="client">Not disposed of here. Its own <see cref="HttpClient.Timeout"/> is best left infinite: the limits are kept elsewhere.</param>
    /// <param name="metadata">Under which <c>timestamp.json</c> lies.</param>
    /// <param name="targets">Under which the targets lie.</param>
    public HttpTransport(HttpClient client, Uri metadata, Uri targets)
    {
        ArgumentNullException.ThrowIfNull(client);
        _client = client;
        _metadata = CheckBase(metadata, nameof(metadata));
        _targets = CheckBase(targets, nameof(targets));
    }

    /// <summary>Uses the layout that <c>gatehouse-maker</c> publishes: <c>metadata/</c> and <c>targets/</c> below one address.</summary>
    public HttpTransport(HttpClient client, Uri repository)
        : this(client, new Uri(CheckBase(repository, nameof(repository)), "metadata/"), new Uri(repository, "targets/"))
    {
    }

    /// <summary>A client fit for this transport: no cookies, no proxy credentials, at most five redirects, the connection dead after 10 seconds.</summary>
    public static HttpClient CreateClient() => new(
        new SocketsHttpHandler
        {
            UseCookies = false,
            AllowAutoRedirect = true,
            MaxAutomaticRedirections = 5,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            MaxResponseHeadersLength = 32,
        })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <inheritdoc/>
    public Task<Stream?> OpenMetadataAsync(string fileName, CancellationToken cancellationToken) => OpenAsync(_metadata, fileName, cancellationToken);

    /// <inheritdoc/>
    public Task<Stream?> OpenTargetAsync(string path, CancellationToken cancellationToken) => OpenAsync(_targets, path, cancellationToken);

    private async Task<Stream?> OpenAsync(Uri folder, string name, CancellationToken cancellationToken)
    {
        // Put together as text: resolving a relative address would read "a:b" as a scheme.
        var address = new Uri(folder.AbsoluteUri + name);
        HttpResponseMessage? response = null;
        try
        {
            response = await _client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Forbidden)
            {
                response.Dispose();
                return null;
            }

            response.EnsureSuccessStatusCode();
            return await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException failure)
        {
            response?.Dispose();
            throw new IOException($"{address.Host} could not be asked for {name}: {failure.Message}", failure);
        }
    }

    private static Uri CheckBase(Uri address, string parameter)
    {
        ArgumentNullException.ThrowIfNull(address, parameter);
        if (!address.IsAbsoluteUri || (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps))
        {
            throw new ArgumentException("An http or https address is needed.", parameter);
        }

        return address.AbsoluteUri.EndsWith('/') ? address : new Uri(address.AbsoluteUri + "/");
    }
}
