using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Time;

/// <summary>Tells the LAN the time (RFC 5905, a server without a clock of its own), so that no Thing needs the Internet for it.</summary>
/// <remarks>
/// Answers questions of the size of a question only, so it cannot be used to amplify, and one answer per question. Whose clock this is does
/// not matter to a Thing; where the machine's own clock is not set it says so by a high stratum, and still answers: to a Thing
/// that checks certificates some time is better than 1970.
/// </remarks>
public sealed partial class NtpServer(GatewayNetwork network, TimeProvider time)
{
    private const byte SynchronisedStratum = 3;
    private const byte UnsureStratum = 10;
    private const sbyte MicrosecondPrecision = -20;
    private long _answered;

    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Answers at the LAN address until cancelled.</summary>
    /// <exception cref="SocketException">Port 123 is taken, or not ours to bind.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(network.LanAddress, 123));
        var buffer = new byte[512];
        var answer = new byte[NtpPacket.Size];
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), cancellationToken);
                if (!TryAnswer(buffer.AsSpan(0, received.ReceivedBytes), time.GetUtcNow(), IsSynchronised(), answer)) continue;
                await socket.SendToAsync(answer, SocketFlags.None, received.RemoteEndPoint, cancellationToken);
                Interlocked.Increment(ref _answered);
            }
            catch (SocketException)
            {
                // Too long a packet, or an asker that is gone.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Writes the answer to a client's question; false for anything else.</summary>
    internal static bool TryAnswer(ReadOnlySpan<byte> datagram, DateTimeOffset now, bool isSynchronised, Span<byte> answer)
    {
        if (!NtpPacket.TryParse(datagram, out var asked) || asked.Mode != NtpPacket.Client || asked.Version is < 1 or > 4) return false;

        var at = NtpPacket.Timestamp(now);
        var local = 0x7F7F_0100u; // 127.127.1.0, as ntpd names a local clock
        new NtpPacket(0, asked.Version, NtpPacket.Server, isSynchronised ? SynchronisedStratum : UnsureStratum, asked.Poll, MicrosecondPrecision, local, at, asked.Transmit, at, at).Write(answer);
        return true;
    }

    // adjtimex(2) with modes 0 only reads; TIME_ERROR (5) says that nobody keeps the clock.
    private static bool IsSynchronised()
    {
        Span<byte> timex = stackalloc byte[256];
        timex.Clear();
        return adjtimex(timex) is >= 0 and < 5;
    }

    [LibraryImport("libc")]
    private static partial int adjtimex(Span<byte> timex);
}
