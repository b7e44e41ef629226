using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;

namespace Gatehouse.Console;

/// <summary>Styles, scripts and their licences, from inside the program. An address holds the content's hash, so browsers keep it until it changes.</summary>
internal static class Assets
{
    private const string Prefix = "assets/";

    private static readonly FrozenDictionary<string, Asset> ByName = Load();

    /// <summary><c>/assets/console.css?v=1a2b3c4d</c>.</summary>
    public static string Path(string name) => $"/assets/{name}?v={ByName[name].Version}";

    public static async Task ServeAsync(HttpContext context, string name)
    {
        if (!ByName.TryGetValue(name, out var asset))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        context.Response.ContentType = asset.Type;
        context.Response.Headers.CacheControl = context.Request.Query["v"] == asset.Version ? "public, max-age=31536000, immutable" : "no-cache";
        context.Response.ContentLength = asset.Length;
        await using var content = Open(asset.Resource);
        await content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    private static FrozenDictionary<string, Asset> Load() => Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
        .ToFrozenDictionary(name => name[Prefix.Length..], Read);

    private static Asset Read(string resource)
    {
        using var content = Open(resource);
        var version = Convert.ToHexStringLower(SHA256.HashData(content))[..10];
        return new Asset(resource, version, content.Length, System.IO.Path.GetExtension(resource) switch
        {
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".svg" => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        });
    }

    private static Stream Open(string resource) => Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!;

    private sealed record Asset(string Resource, string Version, long Length, string Type);
}
