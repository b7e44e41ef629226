using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Names;

/// <summary>The sockets in front of the answers: every queue bounded, each device with a share of its own.</summary>
public sealed partial class DnsForwarder
{
    /// <summary>UDP questions waiting for a worker; beyond it a question is dropped and counted, and asked again by its sender.</summary>
    public const int MaxWaiting = 512;

    /// <summary>Questions of one device under way at once, so that one with a slow name does not hold up the others.</summary>
    public const int MaxPerClient = 24;

    /// <summary>TCP connections at once, and of one device.</summary>
    public const int MaxConnections = 64;

    /// <inheritdoc cref="MaxConnections"/>
    public const int MaxConnectionsPerClient = 6;

    private const int Workers = 96;
    private const int MaxQuestionBytes = 4096;
    private static readonly TimeSpan ConnectionPatience = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<IPAddress, int> _underWay = new();
    private readonly ConcurrentDictionary<IPAddress, int> _connections = new();

    /// <summary>Answers at the LAN address until cancelled.</summary>
    /// <exception cref="SocketException">Port 53 is taken, or not ours to bind.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var address = new IPEndPoint(_network.LanAddress, 53);
        using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        udp.ReceiveBufferSize = 1 << 20;
        udp.Bind(address);
        using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        tcp.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        tcp.Bind(address);
        tcp.Listen(MaxConnections);
        LogListening(_logger, address, _network.Upstream);

        var questions = Channel.CreateBounded<Question>(new BoundedChannelOptions(MaxWaiting) { SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] tasks =
        [
            ReceiveAsync(udp, questions.Writer, stop.Token),
            AcceptAsync(tcp, stop.Token),
            .. Enumerable.Range(0, Workers).Select(_ => WorkAsync(udp, questions.Reader, stop.Token)),
        ];

        // One that fails ends all, and with them this part.
        var first = await Task.WhenAny(tasks);
        await stop.CancelAsync();
        await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!cancellationToken.IsCancellationRequested) await first;
    }

    private async Task ReceiveAsync(Socket udp, ChannelWriter<Question> questions, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxQuestionBytes];
        while (!cancellationToken.IsCancellationRequested)
        {
            SocketReceiveFromResult received;
            try
            {
                received = await udp.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), cancellationToken);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.MessageSize or SocketError.ConnectionReset or SocketError.ConnectionRefused)
            {
                Counters.Malformed.Add();
                continue;
            }

            var client = (IPEndPoint)received.RemoteEndPoint;
            if (!DnsMessage.TryParse(buffer.AsSpan(0, received.ReceivedBytes), out var query))
            {
                Counters.Malformed.Add();
                continue;
            }

            if (!TryTake(_underWay, client.Address, MaxPerClient))
            {
                Counters.Overload.Add();
                continue;
            }

            if (questions.TryWrite(new(client, query))) continue;
            GiveBack(_underWay, client.Address);
            Counters.Overload.Add();
        }
    }

    private async Task WorkAsync(Socket udp, ChannelReader<Question> questions, CancellationToken cancellationToken)
    {
        var buffer = new byte[DnsEdns.UsualPayloadSize];
        await foreach (var question in questions.ReadAllAsync(cancellationToken))
        {
            try
            {
                if (await AnswerOrFailAsync(question.Client.Address, question.Query, cancellationToken) is not { } answer) continue;

                var room = Math.Clamp((int)(question.Query.Edns?.UdpPayloadSize ?? 512), 512, buffer.Length);
                if (!answer.TryWrite(buffer.AsSpan(0, room), out var length)) Truncated(answer).TryWrite(buffer.AsSpan(0, room), out length);
                await udp.SendToAsync(buffer.AsMemory(0, length), SocketFlags.None, question.Client, cancellationToken);
            }
            catch (SocketException)
            {
                // The asker is gone.
            }
            finally
            {
                GiveBack(_underWay, question.Client.Address);
            }
        }
    }

    private async Task AcceptAsync(Socket tcp, CancellationToken cancellationToken)
    {
        var open = new ConcurrentDictionary<Task, bool>();
        try
        {
            while (true)
            {
                var socket = await tcp.AcceptAsync(cancellationToken);
                var client = ((IPEndPoint)socket.RemoteEndPoint!).Address;
                foreach (var ended in open.Keys.Where(task => task.IsCompleted)) open.TryRemove(ended, out _);
                if (open.Count >= MaxConnections || !TryTake(_connections, client, MaxConnectionsPerClient))
                {
                    Counters.Overload.Add();
                    socket.Dispose();
                    continue;
                }

                open.TryAdd(ServeAsync(socket, client, cancellationToken), true);
            }
        }
        finally
        {
            await Task.WhenAll(open.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ServeAsync(Socket socket, IPAddress client, CancellationToken cancellationToken)
    {
        try
        {
            using var owned = socket;
            await using var stream = new NetworkStream(socket);
            while (await ServeOneAsync(stream, client, cancellationToken))
            {
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // It went away, or was too slow.
        }
        finally
        {
            GiveBack(_connections, client);
        }
    }

    // RFC 7766: two bytes of length before each message.
    private async Task<bool> ServeOneAsync(NetworkStream stream, IPAddress client, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConnectionPatience);
        var length = new byte[2];
        await stream.ReadExactlyAsync(length, limit.Token);
        var size = BinaryPrimitives.ReadUInt16BigEndian(length);
        if (size > MaxQuestionBytes) return false;

        var message = new byte[size];
        await stream.ReadExactlyAsync(message, limit.Token);
        if (!DnsMessage.TryParse(message, out var query))
        {
            Counters.Malformed.Add();
            return false;
        }

        if (await AnswerOrFailAsync(client, query, limit.Token) is not { } answer) return false;
        var buffer = new byte[2 + ushort.MaxValue];
        if (!answer.TryWrite(buffer.AsSpan(2), out var written)) return false;
        BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)written);
        await stream.WriteAsync(buffer.AsMemory(0, written + 2), limit.Token);
        return true;
    }

    private async Task<DnsMessage?> AnswerOrFailAsync(IPAddress client, DnsMessage query, CancellationToken cancellationToken)
    {
        try
        {
            return await AnswerAsync(client, query, cancellationToken);
        }
#pragma warning disable CA1031 // One question is the unit of work: whatever it brought up, the next one is answered.
        catch (Exception failure) when (failure is not OperationCanceledException)
#pragma warning restore CA1031
        {
            LogFailed(_logger, failure);
            return Reply(query, DnsResponseCode.ServerFailure);
        }
    }

    private static DnsMessage Truncated(DnsMessage answer) => new()
    {
        Id = answer.Id, IsResponse = true, IsTruncated = true, RecursionDesired = answer.RecursionDesired, RecursionAvailable = true,
        ResponseCode = answer.ResponseCode, Questions = answer.Questions, Edns = answer.Edns,
    };

    private static bool TryTake(ConcurrentDictionary<IPAddress, int> shares, IPAddress client, int limit)
    {
        if (shares.AddOrUpdate(client, 1, (_, count) => count + 1) <= limit) return true;
        GiveBack(shares, client);
        return false;
    }

    private static void GiveBack(ConcurrentDictionary<IPAddress, int> shares, IPAddress client)
    {
        if (shares.AddOrUpdate(client, 0, (_, count) => count - 1) == 0) shares.TryRemove(KeyValuePair.Create(client, 0));
    }

    private readonly record struct Question(IPEndPoint Client, DnsMessage Query);
}
