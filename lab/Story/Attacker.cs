using System.Net;
using System.Net.Sockets;
using System.Text;
using Gatehouse.Lab.Home;

namespace Gatehouse.Lab.Story;

/// <summary>How far somebody from the Internet came.</summary>
internal enum BreakIn
{
    /// <summary>Nothing answers at the forwarded port.</summary>
    NoWayIn,

    /// <summary>It answers, and refuses the password.</summary>
    Refused,

    /// <summary>A shell's prompt.</summary>
    Inside,
}

/// <summary>Somebody at a telnet client. Types what a person could type; carries nothing with it.</summary>
internal sealed class Attacker(HomeSeed seed, IPAddress recorder) : IDisposable
{
    private Socket? _line;

    /// <summary>Tries the way in over the old port forward with an account.</summary>
    public Task<BreakIn> FromTheInternetAsync(string user, string password, CancellationToken cancellationToken) =>
        LogInAsync(Topology.Internet, HomeSeed.AttackerAddress, new(seed.WanAddress, seed.ForwardedPort), user, password, cancellationToken);

    /// <summary>Tries an account at the recorder itself, from where the gateway stands.</summary>
    public Task<BreakIn> FromInsideAsync(string user, string password, CancellationToken cancellationToken) =>
        LogInAsync(Topology.Gateway, null, new(recorder, 23), user, password, cancellationToken);

    private async Task<BreakIn> LogInAsync(string place, IPAddress? from, IPEndPoint to, string user, string password, CancellationToken cancellationToken)
    {
        _line?.Dispose();
        _line = NetworkNamespace.Tcp(place);
        if (from is not null) _line.Bind(new IPEndPoint(from, 0));
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            await _line.ConnectAsync(to, timeout.Token);
        }
        catch (Exception problem) when (problem is SocketException || (problem is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return BreakIn.NoWayIn;
        }

        if (!(await ReadUntilAsync(["login:"], cancellationToken)).Contains("login:", StringComparison.Ordinal)) return BreakIn.NoWayIn;
        await TypeAsync(user, cancellationToken);
        await ReadUntilAsync(["assword:"], cancellationToken);
        await TypeAsync(password, cancellationToken);
        var said = await ReadUntilAsync(["# ", "incorrect"], cancellationToken);
        return said.Contains("# ", StringComparison.Ordinal) ? BreakIn.Inside : BreakIn.Refused;
    }

    public async Task TypeAsync(string text, CancellationToken cancellationToken)
    {
        try
        {
            await _line!.SendAsync(Encoding.ASCII.GetBytes(text + "\r\n"), cancellationToken);
        }
        catch (SocketException)
        {
            // The line is cut; what is read next shows it.
        }
    }

    /// <summary>True when the shell still answers.</summary>
    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        var word = $"w{Environment.TickCount64 % 100000}";
        await TypeAsync($"echo {word[..1]}''{word[1..]}", cancellationToken);
        return (await ReadUntilAsync([word], cancellationToken)).Contains(word, StringComparison.Ordinal);
    }

    /// <summary>Reads until one of the words is there, the line ends, or nothing came for four seconds. Options of telnet (RFC 854) are refused.</summary>
    public async Task<string> ReadUntilAsync(string[] words, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var buffer = new byte[1024];
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(4));
        try
        {
            while (!words.Any(word => text.ToString().Contains(word, StringComparison.Ordinal)))
            {
                var count = await _line!.ReceiveAsync(buffer, timeout.Token);
                if (count == 0) break;
                for (var at = 0; at < count; at++)
                {
                    if (buffer[at] == 255 && at + 2 < count)
                    {
                        // DO is answered WONT, WILL is answered DONT.
                        if (buffer[at + 1] is 253 or 251) await _line.SendAsync((byte[])[255, buffer[at + 1] == 253 ? (byte)252 : (byte)254, buffer[at + 2]], timeout.Token);
                        at += 2;
                    }
                    else text.Append((char)buffer[at]);
                }
            }
        }
        catch (Exception problem) when (problem is SocketException || (problem is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // Silence, or a cut line.
        }

        return text.ToString();
    }

    public void Dispose() => _line?.Dispose();
}
