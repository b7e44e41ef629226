using System.Diagnostics;
using System.Text;

namespace Gatehouse.Lab;

/// <summary>What a finished command gave.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    public string Said => (Output + Error).Trim();
}

/// <summary>Starts programs with argument lists; nothing here goes through a shell's parser.</summary>
internal static class Shell
{
    /// <summary>Runs a command to its end.</summary>
    /// <exception cref="LabException">It ended with another code than 0.</exception>
    public static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var result = await TryAsync(program, arguments, TimeSpan.FromSeconds(60), cancellationToken);
        return result.ExitCode == 0 ? result.Output : throw new LabException($"{program} {string.Join(' ', arguments)}: {result.Said} (exit code {result.ExitCode})");
    }

    /// <summary>Runs a command to its end, whatever that is; 124 after <paramref name="limit"/>, as timeout(1) has it.</summary>
    public static async Task<CommandResult> TryAsync(string program, IReadOnlyList<string> arguments, TimeSpan limit, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new LabException($"{program} did not start.");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
            return new(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            return new(124, "", $"{program} took longer than {limit.TotalSeconds:0} s");
        }
    }
}

/// <summary>The lab cannot do what was asked; the message says what and why.</summary>
internal sealed class LabException(string message) : Exception(message);

/// <summary>A program of the lab that stays up: its output goes to a file, and it ends with its owner.</summary>
internal sealed class RunningProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StreamWriter _log;
    private readonly Lock _gate = new();

    private RunningProgram(Process process, StreamWriter log) => (_process, _log) = (process, log);

    public string Name { get; private init; } = "";
    public int Id => _process.Id;
    public bool HasExited => _process.HasExited;
    public Task Exited => _process.WaitForExitAsync();
    public int ExitCode => _process.ExitCode;

    /// <param name="logFile">Where both outputs go, appended.</param>
    /// <param name="onLine">Called for each line of either output as well, or null.</param>
    public static RunningProgram Start(string logFile, Action<string>? onLine, string program, params string[] arguments)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(logFile)!);
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, StandardOutputEncoding = Encoding.UTF8,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        var log = new StreamWriter(new FileStream(logFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
        var process = Process.Start(start) ?? throw new LabException($"{program} did not start.");
        var running = new RunningProgram(process, log) { Name = Path.GetFileNameWithoutExtension(logFile) };
        process.OutputDataReceived += (_, line) => running.Write(line.Data, onLine);
        process.ErrorDataReceived += (_, line) => running.Write(line.Data, onLine);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return running;
    }

    private void Write(string? line, Action<string>? onLine)
    {
        if (line is null) return;
        lock (_gate) _log.WriteLine(line);
        onLine?.Invoke(line);
    }

    /// <summary>Takes the power away: the program and all it started end at once.</summary>
    public void Kill()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
    }

    /// <summary>Asks it to end, as a service manager would, and waits; kills it when it takes longer than <paramref name="limit"/>.</summary>
    public async Task StopAsync(TimeSpan limit)
    {
        if (_process.HasExited) return;
        await Shell.TryAsync("kill", ["-TERM", $"{_process.Id}"], TimeSpan.FromSeconds(5), CancellationToken.None);
        using var timeout = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            Kill();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        lock (_gate) _log.Dispose();
        _process.Dispose();
    }
}
