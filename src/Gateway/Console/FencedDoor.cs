using System.Net;
using Gatehouse.Console.Pages;
using Gatehouse.Home;

namespace Gatehouse.Console;

/// <summary>
/// What stands behind the port the fence sends plain HTTP of fenced devices to: one page that says so, whatever was asked for. A browser seen here is
/// evidence for See, so each request is reported.
/// </summary>
internal sealed class FencedDoor(HomeRecord record, Action<FencedVisit> report)
{
    /// <summary>Connections at once, and from one address: a Thing that opens more is not served.</summary>
    public const int MaxConnections = 32;
    public const int MaxConnectionsPerPeer = 4;

    /// <summary>The page's style, under whatever name was asked for.</summary>
    public const string StylePath = "/gatehouse-console.css";

    /// <summary>Where the page's one button goes.</summary>
    public const string AskPath = "/gatehouse-please";

    private const int MaxTextLength = 200;

    public async Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.Path == StylePath)
        {
            await Assets.ServeAsync(context, "console.css");
            return;
        }

        var asks = HttpMethods.IsPost(request.Method) && request.Path == AskPath;
        report(new FencedVisit(context.Connection.RemoteIpAddress ?? IPAddress.None, request.Method, Short(request.Host.Value), Short(request.Path.Value),
            Short(request.Headers.UserAgent), Short(request.Headers.AcceptLanguage), Short(request.Headers.Accept), asks));

        var response = context.Response;
        response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-store";
        response.ContentType = "text/html; charset=utf-8";
        // 511 (RFC 6585, 6) is for intercepting gateways: no app takes the page for what it asked for.
        response.StatusCode = StatusCodes.Status511NetworkAuthenticationRequired;
        using var page = FencedPage.Create(new FencedView(Short(request.Host.Host), asks, WhyCutOff(context.Connection.RemoteIpAddress)));
        await page.RenderAsync(response.BodyWriter, null, context.RequestAborted);
    }

    private string? WhyCutOff(IPAddress? peer) =>
        record.Current.Things.Values.FirstOrDefault(thing => thing.Restraint == Restraint.CutOff && thing.Address is { } address && address.Equals(peer))?.RestraintReason;

    private static string Short(string? text) => text is null ? "" : text.Length <= MaxTextLength ? text : text[..MaxTextLength];
}

/// <summary>A plain HTTP request of a fenced device. Every text is the device's own: hostile until escaped, at most 200 characters.</summary>
/// <param name="AsksToBeLetOut">True when somebody pressed "this is my computer" on the page.</param>
public sealed record FencedVisit(
    IPAddress Peer, string Method, string Host, string Path, string UserAgent, string AcceptLanguage, string Accept, bool AsksToBeLetOut);
