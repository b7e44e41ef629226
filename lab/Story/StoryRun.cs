using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gatehouse.Lab.Home;
using Gatehouse.Lab.Net;

namespace Gatehouse.Lab.Story;

/// <summary>One part of the story did not hold: the sentence says which, and what was seen instead.</summary>
internal sealed class StoryRedException(string message) : Exception(message);

/// <summary>What a person asked of one playing of the story.</summary>
/// <param name="Sabotage">A part to break on purpose, or null.</param>
/// <param name="WatchOff">Play with detection off: the story must go red where Watch should have acted.</param>
/// <param name="Until">The last step to play.</param>
/// <param name="WithControl">Also play the control run, in which the permitted flood must get through, and the flood without a break-in before it.</param>
/// <param name="Patience">Limits that depend on how busy the machine is are this many times longer; what was measured is printed as it was.</param>
/// <param name="Report">A file that gets one JSON line with everything measured, or null.</param>
internal sealed record StoryOptions(Sabotage? Sabotage, bool WatchOff, int Until, bool WithControl, int Patience, string? Report);

/// <summary>Parts that can be broken on purpose; each must turn the story red at its own step.</summary>
internal enum Sabotage
{
    /// <summary>The rules are flushed from the kernel behind the gateway's back (step 1).</summary>
    FlushRules,

    /// <summary>The changed image gets through the check, as if there were none: it is signed with the makers' own keys (step 4).</summary>
    ServeTampered,

    /// <summary>Detection is off (step 5).</summary>
    StopWatch,

    /// <summary>After the cure the recorder has its factory password again (step 6).</summary>
    ForgetPassword,

    /// <summary>The recorder never boots what was installed (step 6).</summary>
    KeepOldFirmware,
}

/// <summary>
/// Plays the story and judges it from outside: packet counts beyond the WAN, commands on the laptop and the Things, versions asked from the devices. The
/// gateway's own words are asked for only where they are what is judged.
/// </summary>
internal sealed partial class StoryRun(LabHome home, StoryOptions options, TextWriter output) : IAsyncDisposable
{
    private readonly JsonObject _measures = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Sockets _sockets = new(home);
    private SmallHttpServer? _hookServer;
    private int _step;

    /// <summary>Plays it; true when everything held.</summary>
    public async Task<bool> PlayAsync(CancellationToken cancellationToken)
    {
        (int Number, string Title, Func<CancellationToken, Task> Play)[] steps =
        [
            (1, "The gateway comes up", ComeUpAsync),
            (2, "Who is who", RecogniseAsync),
            (3, "The plug asks for its cloud", AskAsync),
            (4, "New firmware for the plug", MendPlugAsync),
            (5, "The recorder is taken over", TakeOverAsync),
            (6, "The cure", CureAsync),
            (7, "A release that does not come back healthy", FallBackAsync),
        ];
        var isGreen = true;
        _hookServer = new SmallHttpServer(Topology.Internet, s_hook.Port, "owner", request =>
        {
            _notices.Enqueue(System.Text.Encoding.UTF8.GetString(request.Body));
            return new HttpReply(200, "text/plain", "");
        });
        _hookServer.Start();
        try
        {
            foreach (var (number, title, play) in steps.TakeWhile(step => step.Number <= options.Until))
            {
                _step = number;
                await output.WriteLineAsync($"{number}. {title}");
                await play(cancellationToken);
            }
        }
        catch (Exception red) when (red is StoryRedException or LabException or TimeoutException or HttpRequestException or JsonException or KeyNotFoundException)
        {
            isGreen = false;
            await output.WriteLineAsync($"  RED at step {_step}: {red.Message}");
            if (red is not StoryRedException) await output.WriteLineAsync(red.StackTrace);
            await output.WriteLineAsync($"  the gateway's last words:\n{Indent(GatewayProgram.Tail(home.Gateway.LogFile))}");
        }

        await ReportAsync(isGreen, cancellationToken);
        return isGreen;
    }

    private static string Indent(string text) => "    " + text.Replace("\n", "\n    ", StringComparison.Ordinal);

    private async Task ReportAsync(bool isGreen, CancellationToken cancellationToken)
    {
        Measure("peak memory (VmHWM), MB", Math.Round(home.Gateway.PeakMemoryBytes() / 1e6, 1));
        Measure("native gateway with its libraries, MB", Math.Round(home.Gateway.SizeBytes() / 1e6, 1));
        await output.WriteLineAsync(isGreen ? $"The story held ({_clock.Elapsed.TotalSeconds:0} s)." : $"The story did not hold ({_clock.Elapsed.TotalSeconds:0} s).");
        await output.WriteLineAsync("Measured:");
        foreach (var (name, value) in _measures) await output.WriteLineAsync($"  {name}: {value}");
        if (options.Report is null) return;

        var line = new JsonObject
        {
            ["at"] = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture), ["seed"] = home.Seed.Number, ["held"] = isGreen, ["step"] = _step,
            ["sabotage"] = options.Sabotage?.ToString(), ["seconds"] = Math.Round(_clock.Elapsed.TotalSeconds, 1), ["measures"] = _measures.DeepClone(),
        };
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(options.Report))!);
        await File.AppendAllTextAsync(options.Report, line.ToJsonString() + "\n", cancellationToken);
    }

    private void Measure(string name, double value) => _measures[name] = value;

    /// <summary>One line of the story: what must hold, how long it took, what was seen.</summary>
    private async Task HoldsAsync(string claim, Func<Task<string>> check)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            var seen = await check();
            await output.WriteLineAsync($"  ok    {Stopwatch.GetElapsedTime(started).TotalSeconds,6:0.00} s  {claim}{(seen.Length > 0 ? $" ({seen})" : "")}");
        }
        catch (StoryRedException red)
        {
            throw new StoryRedException($"{claim}: {red.Message}");
        }
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new StoryRedException(otherwise);
    }

    /// <summary>Looks again until it holds; the last thing seen is told when time is up.</summary>
    private static async Task<TimeSpan> EventuallyAsync(TimeSpan limit, Func<Task<(bool Holds, string Seen)>> look, CancellationToken cancellationToken, int everyMilliseconds = 100)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var (holds, seen) = await look();
            var passed = Stopwatch.GetElapsedTime(started);
            if (holds) return passed;
            Require(passed < limit, $"not within {limit.TotalSeconds:0} s; last seen: {seen}");
            await Task.Delay(everyMilliseconds, cancellationToken);
        }
    }

    private Task<JsonElement> ThingsAsync(CancellationToken cancellationToken) => home.Gateway.GetAsync("v1/things", cancellationToken);

    private async Task<JsonElement?> SummaryAsync(string device, CancellationToken cancellationToken)
    {
        foreach (var thing in (await ThingsAsync(cancellationToken)).EnumerateArray())
            if (thing.GetProperty("mac").GetString() == home.MacOf(device)) return thing;
        return null;
    }

    private async Task<JsonElement> ShowAsync(string device, CancellationToken cancellationToken) =>
        await home.Gateway.GetAsync($"v1/things/{Uri.EscapeDataString(home.MacOf(device))}", cancellationToken);

    private static string Text(JsonElement? element, string property) =>
        element is { } value && value.TryGetProperty(property, out var found) && found.ValueKind != JsonValueKind.Null ? found.ToString() : "";

    private async Task OwnerAsync(IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        var answer = await home.Gateway.CliAsync(words, TimeSpan.FromSeconds(20), cancellationToken);
        Require(answer.ExitCode == 0, $"gatehouse {string.Join(' ', words)} said: {answer.Said}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_hookServer is not null) await _hookServer.DisposeAsync();
        _owner?.Dispose();
        if (_onRecorder is not null) await _onRecorder.DisposeAsync();
    }

    /// <summary>A limit that a busy machine may stretch.</summary>
    private TimeSpan Limit(double seconds) => TimeSpan.FromSeconds(seconds * options.Patience);

    private static TimeSpan S(double seconds) => TimeSpan.FromSeconds(seconds);
}
