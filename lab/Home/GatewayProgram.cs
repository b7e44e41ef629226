using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gatehouse.Lab.Home;

/// <summary>What the command line said.</summary>
internal sealed record CliAnswer(int ExitCode, JsonElement Json, string Said);

/// <summary>The gateway: the real program, started and asked like an owner would.</summary>
internal sealed partial class GatewayProgram(HomeSeed seed, Programs programs, string folder, string packs, string trustMap) : IAsyncDisposable
{
    private RunningProgram? _program;
    private RunningProgram? _rules;
    private long _started;
    private TaskCompletionSource<TimeSpan> _firstRule = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HttpClient? _control;

    public string RunFolder => Path.Combine(folder, "run");
    public string StateFolder => Path.Combine(folder, "state");
    public string LogFile => Path.Combine(folder, "gatehouse.log");

    /// <summary>From the start of the process to the first rule of its table in the kernel, as <c>nft monitor</c> shows it.</summary>
    public Task<TimeSpan> FirstRule => _firstRule.Task;

    public async Task StartAsync(Uri? webhook, bool watch, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "resolv.conf"), $"nameserver {HomeSeed.NameServer}\n", cancellationToken);
        _firstRule = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _rules ??= RunningProgram.Start(Path.Combine(folder, "rules.log"), OnRule, LabFiles.Find("in"), Topology.Gateway, folder, "stdbuf", "-oL", "nft", "monitor", "new", "rules");
        await Task.Delay(200, cancellationToken);

        List<string> words =
        [
            Topology.Gateway, folder, programs.Gateway, "up", "--lan", Topology.Lan, "--wan", Topology.Wan, "--lan-address", $"{seed.LanAddress}/24",
            "--state", StateFolder, "--run", RunFolder, "--upstream", $"{HomeSeed.NameServer}", "--packs", packs, "--trust-map", trustMap,
        ];
        if (webhook is not null) words.AddRange(["--webhook", $"{webhook}"]);
        if (!watch) words.Add("--no-watch");
        _started = Stopwatch.GetTimestamp();
        _program = RunningProgram.Start(LogFile, null, LabFiles.Find("in"), [.. words]);
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, token) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(RunFolder, "control.sock")), token);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        _control = new HttpClient(handler) { BaseAddress = new Uri("http://control/"), Timeout = TimeSpan.FromSeconds(5) };
        await WaitUntilItAnswersAsync(cancellationToken);
    }

    private void OnRule(string line)
    {
        if (line.StartsWith("add rule", StringComparison.Ordinal) && line.Contains("gatehouse", StringComparison.Ordinal)) _firstRule.TrySetResult(Stopwatch.GetElapsedTime(_started));
    }

    private async Task WaitUntilItAnswersAsync(CancellationToken cancellationToken)
    {
        var limit = Stopwatch.StartNew();
        while (limit.Elapsed < TimeSpan.FromSeconds(20))
        {
            if (_program!.HasExited) throw new LabException($"gatehouse up ended with code {_program.ExitCode}; see {LogFile}:\n{Tail(LogFile)}");
            try
            {
                await _control!.GetStringAsync(new Uri("v1/things", UriKind.Relative), cancellationToken);
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(20, cancellationToken);
            }
        }

        throw new LabException($"gatehouse up does not answer on its control socket; see {LogFile}:\n{Tail(LogFile)}");
    }

    /// <summary>Reads from the control socket without starting a program: quick enough to look every few milliseconds.</summary>
    public async Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var document = JsonDocument.Parse(await _control!.GetStringAsync(new Uri(path, UriKind.Relative), cancellationToken));
        return document.RootElement.Clone();
    }

    /// <summary>Runs <c>gatehouse WORDS --json</c> as the owner would.</summary>
    public async Task<CliAnswer> CliAsync(IReadOnlyList<string> words, TimeSpan limit, CancellationToken cancellationToken)
    {
        var result = await Shell.TryAsync(programs.Gateway, [.. words, "--json", "--run", RunFolder], limit, cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(result.Output.Length > 0 ? result.Output : "{}");
            return new(result.ExitCode, document.RootElement.Clone(), result.Said);
        }
        catch (JsonException)
        {
            return new(result.ExitCode, default, result.Said);
        }
    }

    /// <summary>Peak resident memory so far (VmHWM) of the gateway's own process, in bytes.</summary>
    public long PeakMemoryBytes()
    {
        var found = ProcessOf(programs.Gateway);
        var line = found is null ? null : File.ReadLines($"/proc/{found}/status").FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(Digits().Match(line).Value, CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>Bytes of the native program and the libraries shipped with it.</summary>
    public long SizeBytes()
    {
        var folder = Path.GetDirectoryName(programs.Gateway)!;
        return Directory.EnumerateFiles(folder, "*.so").Append(programs.Gateway).Sum(file => new FileInfo(file).Length);
    }

    private static string? ProcessOf(string program) => Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).FirstOrDefault(process =>
    {
        try
        {
            return int.TryParse(process, out _) && File.ReadAllText($"/proc/{process}/cmdline").StartsWith(program + "\0up\0", StringComparison.Ordinal);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });

    public async Task StopAsync()
    {
        if (_program is null) return;
        await _program.StopAsync(TimeSpan.FromSeconds(10));
        await _program.DisposeAsync();
        _program = null;
        _control?.Dispose();
        _control = null;
    }

    public static string Tail(string file) => File.Exists(file) ? string.Join('\n', File.ReadLines(file).TakeLast(15)) : "(nothing)";

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_rules is not null) await _rules.DisposeAsync();
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();
}
