using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Gatehouse.Console.Pages;

/// <summary>The last minutes of a Thing's traffic, drawn as SVG by the server; with JavaScript uPlot takes its place and goes on live.</summary>
/// <param name="Href">Where the numbers are, as JSON.</param>
/// <param name="PassedArea">SVG path data of what it sent.</param>
/// <param name="StoppedArea">SVG path data of what the fence stopped.</param>
public sealed record ChartView(string Href, bool IsEmpty, string PassedArea, string StoppedArea, string Top, string Since, string Sentence)
{
    public const int Width = 600;
    public const int Height = 160;

    /// <summary>Seconds shown.</summary>
    public const int Seconds = 600;

    internal static ChartView Of(string href, IReadOnlyList<TrafficSecond> history)
    {
        var passed = history.Select(second => Math.Max(0, second.PacketsOut - second.Blocked)).ToImmutableArray();
        var stopped = history.Select(second => second.Blocked).ToImmutableArray();
        var top = Math.Max(10, Enumerable.Max(passed.Concat(stopped).DefaultIfEmpty(0)));
        var (sent, held) = (passed.Sum(), stopped.Sum());
        var sentence = history.Count == 0 ? "Nothing has been counted yet."
            : $"In the last {Words.Span(TimeSpan.FromSeconds(history.Count))} it sent {Words.Count(sent, "packet", "packets")}; {(held == 0 ? "nothing had to be stopped." : $"{Words.Count(held, "more was", "more were")} stopped by the fence.")}";
        return new ChartView(href, sent + held == 0, Area(passed, top), Area(stopped, top), string.Create(CultureInfo.InvariantCulture, $"{top:N0} packets a second"),
            Words.Span(TimeSpan.FromSeconds(Math.Max(1, history.Count))) + " ago", sentence);
    }

    private static string Area(ImmutableArray<long> values, long top)
    {
        if (values.Length < 2) return "";

        var path = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"M0 {Height}"));
        for (var i = 0; i < values.Length; i++)
            path.Append(CultureInfo.InvariantCulture, $"L{(double)i * Width / (values.Length - 1):0.#} {Height - (double)values[i] * Height / top:0.#}");
        return path.Append(CultureInfo.InvariantCulture, $"L{Width} {Height}Z").ToString();
    }
}
