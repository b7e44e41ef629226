using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gatehouse.Lab.Net;

/// <summary>What a name server said: the response code, the extended error (RFC 8914) when there is one, and the IPv4 addresses.</summary>
internal sealed record DnsReply(int ResponseCode, int? ExtendedError, string ExtendedText, IReadOnlyList<IPAddress> Addresses)
{
    public const int NxDomain = 3;
}

/// <summary>The lab's own small resolver for A records: a device's, and the observer's. It shares no code with the gateway on purpose.</summary>
internal static class DnsQuestion
{
    private static int _nextId = Environment.TickCount;

    /// <summary>Asks once over UDP from a namespace; null when no answer comes in time.</summary>
    public static async Task<DnsReply?> AskAsync(string fromNamespace, IPAddress server, string name, TimeSpan limit, CancellationToken cancellationToken)
    {
        var id = (ushort)(Interlocked.Increment(ref _nextId) & 0xFFFF);
        using var socket = NetworkNamespace.Udp(fromNamespace);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(server, 53), timeout.Token);
            await socket.SendAsync(Query(id, name), timeout.Token);
            var buffer = new byte[4096];
            while (true)
            {
                var length = await socket.ReceiveAsync(buffer, timeout.Token);
                if (length >= 12 && BinaryPrimitives.ReadUInt16BigEndian(buffer) == id) return Read(buffer.AsSpan(0, length));
            }
        }
        catch (Exception problem) when (problem is SocketException || (problem is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    // RFC 1035, 4.1; the OPT record of RFC 6891 asks for extended errors.
    private static byte[] Query(ushort id, string name)
    {
        using var bytes = new MemoryStream();
        bytes.Write([(byte)(id >> 8), (byte)(id & 255), 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1]);
        WriteName(bytes, name);
        bytes.Write([0, 1, 0, 1]);
        bytes.Write([0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0]);
        return bytes.ToArray();
    }

    public static void WriteName(Stream bytes, string name)
    {
        foreach (var label in name.TrimEnd('.').Split('.'))
        {
            bytes.WriteByte((byte)label.Length);
            bytes.Write(Encoding.ASCII.GetBytes(label));
        }

        bytes.WriteByte(0);
    }

    private static DnsReply Read(ReadOnlySpan<byte> message)
    {
        var questions = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        var records = BinaryPrimitives.ReadUInt16BigEndian(message[6..]) + BinaryPrimitives.ReadUInt16BigEndian(message[8..]) + BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        var at = 12;
        for (var question = 0; question < questions; question++) at = SkipName(message, at) + 4;

        List<IPAddress> addresses = [];
        int? extended = null;
        var text = "";
        for (var record = 0; record < records; record++)
        {
            at = SkipName(message, at);
            var type = BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
            var data = message.Slice(at + 10, length);
            at += 10 + length;
            if (type == 1 && length == 4) addresses.Add(new IPAddress(data));
            for (; type == 41 && data.Length >= 4; data = data[(4 + BinaryPrimitives.ReadUInt16BigEndian(data[2..]))..])
            {
                if (BinaryPrimitives.ReadUInt16BigEndian(data) != 15) continue;
                extended = BinaryPrimitives.ReadUInt16BigEndian(data[4..]);
                text = Encoding.UTF8.GetString(data.Slice(6, BinaryPrimitives.ReadUInt16BigEndian(data[2..]) - 2));
            }
        }

        return new(message[3] & 15, extended, text, addresses);
    }

    private static int SkipName(ReadOnlySpan<byte> message, int at)
    {
        while (message[at] is not 0)
        {
            if (message[at] >= 0xC0) return at + 2;
            at += 1 + message[at];
        }

        return at + 1;
    }
}
