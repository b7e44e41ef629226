using Gatehouse.Home;

namespace Gatehouse.Console.Pages;

/// <summary>What every page shows around its content.</summary>
/// <param name="Tab">Which tab is lit: <c>home</c>, <c>journal</c>, <c>settings</c>, or empty.</param>
/// <param name="FormToken">Goes into every form; without it no action is taken.</param>
/// <param name="LivePath">The page's own path where it follows the record, or null where it stands still.</param>
/// <param name="Said">What the last action said, or null.</param>
/// <param name="Waiting">Questions and incidents that wait for the owner.</param>
public sealed record PageFrame(string Title, string Tab, string FormToken, string? LivePath, string? Said, bool IsSignedIn, int Waiting, Banner? Banner)
{
    /// <summary>Address of an asset, with its content's hash: it may be kept for ever.</summary>
    public static string Asset(string name) => Assets.Path(name);
}

/// <summary>A line over every page while the fence is not as usual.</summary>
public sealed record Banner(string Sentence, string Button, string Action, string Value)
{
    internal static Banner? Of(HomeState state, DateTimeOffset now) => state switch
    {
        { PanicUntil: { } until } when until > now =>
            new($"The fence is down: everything may pass for {Words.Span(until - now)} more.", "Put the fence up now", "/panic", "off"),
        { Mode: GuardMode.Watching } => new("Gatehouse only watches at the moment. Nothing is blocked.", "Start guarding", "/mode", "guarding"),
        _ => null,
    };
}
