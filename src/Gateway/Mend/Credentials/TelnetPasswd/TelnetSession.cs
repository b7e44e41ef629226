using System.Text;
using System.Text.RegularExpressions;
using Gatehouse.Mend.Drivers;

namespace Gatehouse.Mend.Credentials.TelnetPasswd;

/// <summary>What a device's text looks like while somebody signs in.</summary>
public enum Prompt
{
    /// <summary>It asks for a user name.</summary>
    Login,

    /// <summary>It asks for a password, a new one or the old one.</summary>
    Password,

    /// <summary>A shell waits for a command.</summary>
    Shell,

    /// <summary>It said no.</summary>
    Refused,
}

/// <summary>One telnet connection to a device. Its text is hostile: bounded, compared with a few words, never shown.</summary>
internal sealed class TelnetSession(Stream stream, TimeSpan quiet) : IAsyncDisposable
{
    /// <summary>Most text kept since the last line we sent, in bytes. A device that sends more before it asks anything is not understood.</summary>
    public const int MaxText = 16 * 1024;

    /// <summary>Longest wait for a prompt. busybox waits three seconds before it says that a password is wrong.</summary>
    public static readonly TimeSpan PromptWait = TimeSpan.FromSeconds(12);

    private readonly TelnetDecoder _decoder = new();
    private readonly List<byte> _text = [];
    private Task<int>? _reading;
    private readonly byte[] _buffer = new byte[1024];

    /// <summary>Waits until the device asks for something.</summary>
    /// <exception cref="DeviceUnreachableException">It closed the connection or fell silent without asking.</exception>
    public async Task<Prompt> WaitAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(PromptWait);
        try
        {
            while (true)
            {
                if (!await ReadAsync(limit.Token)) return TelnetText.SaysNo(Text) ? Prompt.Refused : throw new DeviceUnreachableException("it closed the connection");
                if (TelnetText.Read(Text) is not { } prompt) continue;
                if (await IsQuietAsync(limit.Token)) return TelnetText.Read(Text) ?? prompt;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DeviceUnreachableException("it does not ask what was expected");
        }
        catch (IOException broken)
        {
            throw new DeviceUnreachableException("the connection broke", broken);
        }
    }

    /// <summary>Sends a line and forgets what was read before it.</summary>
    public async Task SendLineAsync(string line, CancellationToken cancellationToken)
    {
        _text.Clear();
        try
        {
            // RFC 854: the end of a line is CR LF; busybox and others take it as one Return.
            await stream.WriteAsync(Encoding.Latin1.GetBytes(line + "\r\n"), cancellationToken);
        }
        catch (IOException broken)
        {
            throw new DeviceUnreachableException("the connection broke", broken);
        }
    }

    /// <summary>True where the password it asks for is the present one.</summary>
    public bool AsksForOldPassword => TelnetText.AsksForOld(Text);

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private string Text => Encoding.Latin1.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_text));

    private async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        // A read that IsQuietAsync left behind goes on here.
        _reading ??= stream.ReadAsync(_buffer, CancellationToken.None).AsTask();
        var length = await _reading.WaitAsync(cancellationToken);
        _reading = null;
        if (length == 0) return false;

        var answer = new List<byte>();
        _decoder.Take(_buffer.AsSpan(0, length), _text, answer);
        if (_text.Count > MaxText) throw new DeviceUnreachableException("it sends without end");
        if (answer.Count > 0) await stream.WriteAsync(answer.ToArray(), cancellationToken);
        return true;
    }

    private async Task<bool> IsQuietAsync(CancellationToken cancellationToken)
    {
        _reading ??= stream.ReadAsync(_buffer, CancellationToken.None).AsTask();
        var first = await Task.WhenAny(_reading, Task.Delay(quiet, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
        return first != _reading;
    }
}

/// <summary>Reads what a device wants from the end of its text.</summary>
public static partial class TelnetText
{
    /// <summary>True where the last line asks for the password that holds now.</summary>
    public static bool AsksForOld(string text)
    {
        var lastLine = text[(text.LastIndexOfAny(['\n', '\r']) + 1)..];
        return lastLine.Contains("old", StringComparison.OrdinalIgnoreCase) || lastLine.Contains("current", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>True where a word of refusal is anywhere in it.</summary>
    public static bool SaysNo(string text) => _refusals.Any(word => text.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static readonly string[] _refusals = ["incorrect", "denied", "failed", "invalid", "too many", "unchanged", "don't match", "do not match"];

    /// <summary>What the text ends with, or null while that is not clear.</summary>
    public static Prompt? Read(string text)
    {
        var lower = EscapeSequence().Replace(text, "").ToLowerInvariant();
        var lastLine = lower[(lower.LastIndexOfAny(['\n', '\r']) + 1)..].TrimEnd();
        if (lastLine.EndsWith("password:", StringComparison.Ordinal) || (lastLine.EndsWith(':') && lastLine.Contains("password", StringComparison.Ordinal))) return Prompt.Password;
        if (lastLine.EndsWith("login:", StringComparison.Ordinal) || lastLine.EndsWith("username:", StringComparison.Ordinal)) return Prompt.Login;
        if (lastLine.Length > 0 && lastLine[^1] is '#' or '$' or '>') return Prompt.Shell;

        // Only where nothing is asked: a greeting may well speak of failed logins.
        return SaysNo(lower) ? Prompt.Refused : null;
    }

    // ECMA-48, 5.4: control sequences and two-character escapes. busybox's shell asks for the cursor's place (ESC [ 6 n) after each prompt.
    [GeneratedRegex(@"\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\\]^_])", RegexOptions.NonBacktracking)]
    private static partial Regex EscapeSequence();
}
