using System.Buffers;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>
/// Asks a device a few questions any client might ask: its web server for its first page, telnet and video servers for their greeting. Never a
/// password, never a second connection to a port at once, never an address outside the owner's own network.
/// </summary>
/// <param name="lan">The owner's network. A Thing that claims an address elsewhere must not make us knock at strangers' doors.</param>
public sealed class Prober(IPNetwork lan, TimeProvider time)
{
    /// <summary>How long a question waits for a connection and again for its answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Between two questions to one device: small devices serve one connection at a time.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(150);

    /// <summary>Longest answer read, in bytes.</summary>
    public const int MaxAnswerBytes = 16 * 1024;

    /// <summary>Pages asked for beside the first.</summary>
    public const int MaxPages = 6;

    private const ushort TelnetPort = 23;
    private const ushort HttpPort = 80;
    private const ushort RtspPort = 554;

    /// <summary>Asks the device at <paramref name="address"/>, which is <paramref name="mac"/>'s, and says what it answered.</summary>
    /// <param name="pages">Further pages worth reading, by <see cref="Recogniser.PagesWorthReading"/>.</param>
    /// <param name="location">Where it said its UPnP description is, or null.</param>
    /// <returns>Null when the address is not on the owner's network.</returns>
    public async Task<Sighting?> AskAsync(MacAddress mac, IPAddress address, IEnumerable<string> pages, string? location, CancellationToken cancellationToken)
    {
        if (!lan.Contains(address)) return null;

        var found = ImmutableArray.CreateBuilder<Observation>();
        await AskWebAsync(address, pages, found, cancellationToken);
        await AskDescriptionAsync(address, location, found, cancellationToken);
        found.AddRange(await AskPortAsync(address, TelnetPort, [], TelnetText, EvidenceSource.TelnetBanner, cancellationToken));
        found.AddRange(await AskPortAsync(address, RtspPort, Encoding.ASCII.GetBytes($"OPTIONS rtsp://{address}/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: Gatehouse\r\n\r\n"), RtspServer, EvidenceSource.RtspServer, cancellationToken));
        return Sighting.Of(mac, time.GetUtcNow(), found.ToImmutable()) with { Address = address, Origin = SightingOrigin.Asked };
    }

    /// <summary>
    /// Asks all devices at once, by multicast, what they are: those that were here before the gateway do not announce themselves again. The answers are
    /// heard like everything else; nothing is read here. Again every hour, until cancelled.
    /// </summary>
    public async Task AskEveryoneAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(TimeSpan.FromSeconds(5), time, cancellationToken);
            await MulticastQuestion.AskAsync(lan, time, cancellationToken);
            await Task.Delay(TimeSpan.FromHours(1), time, cancellationToken);
        }
    }

    private async Task AskWebAsync(IPAddress address, IEnumerable<string> pages, ImmutableArray<Observation>.Builder found, CancellationToken cancellationToken)
    {
        if (await FetchAsync(address, HttpPort, "/", cancellationToken) is not { } first) return;

        found.Add(Sighting.Observe(EvidenceSource.OpenPort, "80"));
        found.AddRange(WebPage.Observe(first));
        foreach (var page in pages.Take(MaxPages))
        {
            if (await FetchAsync(address, HttpPort, page, cancellationToken) is not { } answer) continue;
            if (WebPage.BodyOf(answer) is { } body) found.Add(new(EvidenceSource.Body(page), EvidenceText.Clean(body)));
        }
    }

    // The description's place is the device's word: only one on the device itself is looked at, else it could make us fetch from anybody.
    private async Task AskDescriptionAsync(IPAddress address, string? location, ImmutableArray<Observation>.Builder found, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(location, UriKind.Absolute, out var place) || place.Scheme != Uri.UriSchemeHttp || place.Host != address.ToString()) return;
        if (await FetchAsync(address, (ushort)place.Port, place.PathAndQuery, cancellationToken) is { } answer && WebPage.BodyOf(answer) is { } body) found.AddRange(UpnpDescription.Observe(body));
    }

    private Task<byte[]?> FetchAsync(IPAddress address, ushort port, string path, CancellationToken cancellationToken) => ConverseAsync(
        address, port, Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: Gatehouse\r\nAccept: */*\r\nConnection: close\r\n\r\n"), cancellationToken);

    private async Task<ImmutableArray<Observation>> AskPortAsync(
        IPAddress address, ushort port, byte[] question, Func<byte[], string> read, string place, CancellationToken cancellationToken)
    {
        if (await ConverseAsync(address, port, question, cancellationToken) is not { } answer) return [];
        return [Sighting.Observe(EvidenceSource.OpenPort, port.ToString(System.Globalization.CultureInfo.InvariantCulture)), Sighting.Observe(place, read(answer))];
    }

    /// <summary>Null when nobody listens; else what came until the peer closed, fell silent or had said enough, perhaps nothing.</summary>
    private async Task<byte[]?> ConverseAsync(IPAddress address, ushort port, byte[] question, CancellationToken cancellationToken)
    {
        await Task.Delay(Pause, time, cancellationToken);
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await WithPatience(token => socket.ConnectAsync(address, port, token), cancellationToken);
        }
        catch (Exception refused) when (refused is SocketException or TimeoutException)
        {
            return null;
        }

        var answer = new ArrayBufferWriter<byte>();
        try
        {
            await WithPatience(token => ReadAllAsync(socket, question, answer, token), cancellationToken);
        }
        catch (Exception silence) when (silence is SocketException or TimeoutException)
        {
            // What came before is the answer: a telnet greeting ends with waiting for us.
        }

        return answer.WrittenSpan.ToArray();
    }

    private static async ValueTask ReadAllAsync(Socket socket, byte[] question, ArrayBufferWriter<byte> answer, CancellationToken cancellationToken)
    {
        if (question.Length > 0) await socket.SendAsync(question, cancellationToken);
        while (answer.WrittenCount < MaxAnswerBytes)
        {
            var read = await socket.ReceiveAsync(answer.GetMemory(2048)[..2048], cancellationToken);
            if (read == 0) return;
            answer.Advance(read);
        }
    }

    private async Task WithPatience(Func<CancellationToken, ValueTask> step, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await step(both.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException();
        }
    }

    // RFC 854: 255 begins a command of two or three bytes; what is left is the greeting.
    private static string TelnetText(byte[] answer)
    {
        var text = new StringBuilder();
        var reader = new WireReader(answer);
        while (reader.Remaining > 0)
        {
            var octet = reader.ReadByte();
            if (octet != 255) text.Append((char)octet);
            else if (reader.ReadByte() is >= 251 and <= 254) reader.Skip(1);
        }

        return text.ToString();
    }

    private static string RtspServer(byte[] answer)
    {
        // RTSP borrows HTTP's form but not its name (RFC 2326, 1.1).
        var text = Encoding.Latin1.GetString(answer);
        return text.Split("\r\n").FirstOrDefault(line => line.StartsWith("Server:", StringComparison.OrdinalIgnoreCase))?["Server:".Length..] ?? "";
    }
}
