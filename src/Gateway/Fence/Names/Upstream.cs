using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Names;

/// <summary>Asks the upstream server. A random id and a fresh random port for each question; an answer counts only from that server, with that id and question.</summary>
/// <remarks>
/// The attack is a forged answer from off the path (RFC 5452): the same question is asked once at a time however many wait for it, so that
/// nobody can multiply the forger's chances, and a wrong answer does not end the wait for the right one.
/// </remarks>
internal sealed class Upstream(IPEndPoint server, TimeProvider time)
{
    /// <summary>Waits for one UDP answer; then asked once more, then given up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    private const int Tries = 2;
    private readonly ConcurrentDictionary<CacheKey, Lazy<Task<DnsMessage?>>> _underWay = new();
    private long _wrongAnswers;

    /// <summary>Answers that were not to what was asked: a broken server, or a forger.</summary>
    public long WrongAnswers => Interlocked.Read(ref _wrongAnswers);

    /// <summary>The answer, or null where none came.</summary>
    public async Task<DnsMessage?> AskAsync(CacheKey key, CancellationToken cancellationToken)
    {
        // Those who wait share one task; it ends by its own limits, not when the first of them goes away.
        var asked = _underWay.GetOrAdd(key, key => new Lazy<Task<DnsMessage?>>(() => AskOnceAsync(key)));
        try
        {
            return await asked.Value.WaitAsync(cancellationToken);
        }
        finally
        {
            if (asked.Value.IsCompleted) _underWay.TryRemove(KeyValuePair.Create(key, asked));
        }
    }

    private async Task<DnsMessage?> AskOnceAsync(CacheKey key)
    {
        for (var i = 0; i < Tries; i++)
        {
            using var limit = new CancellationTokenSource(Patience, time);
            try
            {
                var answer = await AskUdpAsync(key, limit.Token);
                if (answer is not { IsTruncated: true }) return answer;

                using var longer = new CancellationTokenSource(Patience * 2, time);
                return await AskTcpAsync(key, longer.Token);
            }
            catch (OperationCanceledException)
            {
                // No answer in time: once more.
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                // Nobody there, or no way there: perhaps in a moment.
            }
        }

        return null;
    }

    private async Task<DnsMessage> AskUdpAsync(CacheKey key, CancellationToken cancellationToken)
    {
        // Connected: the kernel picks a random port, and drops what does not come from the server.
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, cancellationToken);
        var question = Question(key);
        await socket.SendAsync(Write(question), cancellationToken);

        var buffer = new byte[4096];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, cancellationToken);
            if (Read(buffer.AsSpan(0, length), question) is { } answer) return answer;
        }
    }

    private async Task<DnsMessage?> AskTcpAsync(CacheKey key, CancellationToken cancellationToken)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, cancellationToken);
        await using var stream = new NetworkStream(socket);
        var question = Question(key);
        var message = Write(question);
        byte[] framed = [(byte)(message.Length >> 8), (byte)(message.Length & 0xFF), .. message];
        await stream.WriteAsync(framed, cancellationToken);

        var length = new byte[2];
        await stream.ReadExactlyAsync(length, cancellationToken);
        var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
        await stream.ReadExactlyAsync(answer, cancellationToken);
        return Read(answer, question);
    }

    private static DnsMessage Question(CacheKey key) => new()
    {
        Id = (ushort)RandomNumberGenerator.GetInt32(0x10000),
        RecursionDesired = true,
        CheckingDisabled = key.CheckingDisabled,
        Questions = [key.Question],
        Edns = new DnsEdns(DnsEdns.UsualPayloadSize, DnssecOk: key.DnssecOk),
    };

    private static byte[] Write(DnsMessage question)
    {
        Span<byte> buffer = stackalloc byte[512];
        return question.TryWrite(buffer, out var length) ? buffer[..length].ToArray() : throw new System.Diagnostics.UnreachableException();
    }

    private DnsMessage? Read(ReadOnlySpan<byte> bytes, DnsMessage question)
    {
        if (DnsMessage.TryParse(bytes, out var answer) && answer.IsResponse && answer.Id == question.Id && answer.Opcode == 0
            && answer.Questions.Length == 1 && answer.Questions[0] == question.Questions[0]) return answer;

        Interlocked.Increment(ref _wrongAnswers);
        return null;
    }
}
