using System.Net;
using Gatehouse.Console.Entry;
using Gatehouse.Console.Pages;
using Gatehouse.Home;
using RazorSlices;

namespace Gatehouse.Console;

/// <summary>
/// The owner's pages. Before any page is made a request has passed, in this order: the name it was asked by (DNS rebinding), where a form comes from
/// (cross-site requests), who is signed in, and the form's token. Actions are in <c>Site.Actions.cs</c>, pages in <c>Site.Pages.cs</c>.
/// </summary>
internal sealed partial class Site(HomeRecord record, OwnerActions actions, Gate gate, LiveFeed live, ITrafficHistory traffic, IFenceCounters counters, IReadOnlyList<string> hostNames)
{
    private const string SessionCookie = "gatehouse";
    private const string VisitCookie = "gatehouse-visit";
    private const string KnownCookie = "gatehouse-known";

    // No inline code or style anywhere, nothing from elsewhere: text of a Thing that slipped through unescaped could still do nothing.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

    public async Task HandleAsync(HttpContext context, Door door, CancellationToken stop)
    {
        Protect(context.Response.Headers);
        var path = context.Request.Path.Value ?? "/";
        if (!IsOurName(context.Request.Host))
        {
            await RefuseAsync(context, StatusCodes.Status421MisdirectedRequest, "This console does not answer to that name. Open it by its address.");
            return;
        }

        if (path.StartsWith("/assets/", StringComparison.Ordinal) && HttpMethods.IsGet(context.Request.Method))
        {
            await Assets.ServeAsync(context, path["/assets/".Length..]);
            return;
        }

        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method) && !IsFromOurPages(context.Request))
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "This form did not come from the console's own page.");
            return;
        }

        await EnterAsync(await VisitAsync(context, door), stop);
    }

    /// <summary>
    /// An address in numbers cannot be rebound; a name can, so only names of ours are answered. Without this, any web page could point its own name at
    /// this machine and read the console with the owner's browser.
    /// </summary>
    private bool IsOurName(HostString host) =>
        host.HasValue && (IPAddress.TryParse(host.Host.Trim('[', ']'), out _)
        || host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || hostNames.Contains(host.Host, StringComparer.OrdinalIgnoreCase));

    private static bool IsFromOurPages(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin" or "none")) return false;
        if (request.Headers.Origin.ToString() is not { Length: > 0 } origin) return true;

        // The scheme may differ behind a proxy that speaks TLS; host and port may not.
        return Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority.Equals(WithoutDefaultPort(request.Host, uri), StringComparison.OrdinalIgnoreCase);
    }

    private static string WithoutDefaultPort(HostString host, Uri origin) => origin.IsDefaultPort && host.Port is 80 or 443 ? host.Host : host.Value ?? "";

    private async Task<Visit> VisitAsync(HttpContext context, Door door)
    {
        var secret = context.Request.Cookies[SessionCookie];
        var session = await gate.Sessions.FindAsync(secret, context.RequestAborted);
        var cookie = session is not null ? secret! : context.Request.Cookies[VisitCookie];
        if (cookie is not { Length: 64 })
        {
            cookie = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
            SetCookie(context, VisitCookie, cookie, TimeSpan.FromDays(1));
        }

        // Behind the proxy of console.sock all peers look alike, so they share one place; on the LAN an address is a place.
        var place = door == Door.Lan ? context.Connection.RemoteIpAddress?.ToString() ?? "lan" : "socket";
        return new Visit(context, session, gate.FormToken(cookie), place);
    }

    private async Task EnterAsync(Visit visit, CancellationToken stop)
    {
        if (visit.IsAction && !gate.IsFormToken(await visit.FieldAsync("token"), visit.Session is not null ? visit.Cookie(SessionCookie)! : visit.Cookie(VisitCookie) ?? ""))
        {
            await RenderAsync(visit, 403, MessagePage.Create(new MessageView(Frame(visit, "Please try again", ""), "Please try again",
                "This page was open for a long time, or you signed in elsewhere meanwhile. Go back, load it again and press the button once more.")));
            return;
        }

        if (visit.Segments is ["claim"] or ["sign-in"])
        {
            await EntranceAsync(visit);
            return;
        }

        if (visit.Session is null)
        {
            visit.Context.Response.Redirect(gate.IsClaimed ? "/sign-in" : "/claim");
            return;
        }

        visit.Context.Response.Headers.CacheControl = "no-store";
        await (visit.IsAction ? ActAsync(visit) : ShowAsync(visit, stop));
    }

    private static void Protect(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        // Not "no-referrer": with that, browsers send "Origin: null" with our own forms too.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
    }

    private static void SetCookie(HttpContext context, string name, string value, TimeSpan life) => context.Response.Cookies.Append(name, value, new CookieOptions
    {
        HttpOnly = true, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = life, IsEssential = true,
        // The LAN address speaks plain HTTP; behind a proxy that speaks TLS the cookie keeps to TLS.
        Secure = context.Request.Headers["X-Forwarded-Proto"] == "https",
    });

    private static Task RefuseAsync(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(sentence + "\n", context.RequestAborted);
    }

    private static async Task RenderAsync(Visit visit, int status, RazorSlice page)
    {
        visit.Context.Response.StatusCode = status;
        visit.Context.Response.ContentType = "text/html; charset=utf-8";
        if (HttpMethods.IsHead(visit.Context.Request.Method)) return;

        using (page) await page.RenderAsync(visit.Context.Response.BodyWriter, null, visit.Context.RequestAborted);
        await visit.Context.Response.BodyWriter.FlushAsync(visit.Context.RequestAborted);
    }
}

/// <summary>One request that came this far.</summary>
internal sealed class Visit(HttpContext context, Session? session, string formToken, string place)
{
    private IFormCollection? _form;

    public HttpContext Context => context;
    public Session? Session => session;
    public string FormToken => formToken;

    /// <summary>Whose tries a wrong passphrase uses up.</summary>
    public string Place => place;

    public bool IsAction => HttpMethods.IsPost(context.Request.Method);
    public string[] Segments { get; } = (context.Request.Path.Value ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries);
    public CancellationToken Aborted => context.RequestAborted;

    public string? Cookie(string name) => context.Request.Cookies[name];

    /// <summary>A field of the form, or null.</summary>
    public async Task<string?> FieldAsync(string name)
    {
        if (!context.Request.HasFormContentType) return null;
        _form ??= await context.Request.ReadFormAsync(context.RequestAborted);
        return _form.TryGetValue(name, out var value) ? value.ToString() : null;
    }
}
