using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Wire;

namespace Gatehouse.Tests.Gateway.Fence;

/// <summary>An authoritative name server for made-up names, in a namespace; it can be told to misbehave.</summary>
internal sealed class TestNameServer : IDisposable
{
    private readonly Socket _udp;
    private readonly Socket _tcp;

    public TestNameServer(TestHost host, IPAddress at)
    {
        _udp = host.Socket(SocketType.Dgram);
        _udp.Bind(new IPEndPoint(at, 53));
        _tcp = host.Socket(SocketType.Stream);
        _tcp.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _tcp.Bind(new IPEndPoint(at, 53));
        _tcp.Listen();
        _ = ServeUdpAsync();
        _ = ServeTcpAsync();
    }

    /// <summary>Names and what they lead to: an address, or another name.</summary>
    public ConcurrentDictionary<string, string[]> Names { get; } = new();

    /// <summary>Every question that came, as "name type".</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    public uint Ttl { get; set; } = 60;

    /// <summary>Says over UDP that the answer does not fit.</summary>
    public bool Truncates { get; set; }

    /// <summary>Sends forged answers (another id, another name) before the right one.</summary>
    public bool IsForged { get; set; }

    public bool IsSilent { get; set; }

    public void Dispose()
    {
        _udp.Dispose();
        _tcp.Dispose();
    }

    private async Task ServeUdpAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var received = await _udp.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0));
                if (!DnsMessage.TryParse(buffer.AsSpan(0, received.ReceivedBytes), out var query)) continue;
                Asked.Enqueue($"{query.Questions[0].Name} {query.Questions[0].Type}");
                if (IsSilent) continue;
                if (IsForged)
                {
                    await SendAsync(Answer(query, "203.0.113.66", (ushort)(query.Id ^ 1)), received.RemoteEndPoint);
                    await SendAsync(Answer(new DnsMessage { Id = query.Id, Questions = [query.Questions[0] with { Name = DnsName.Parse("other.example") }] }, "203.0.113.66", query.Id), received.RemoteEndPoint);
                }

                await SendAsync(Truncates ? new DnsMessage { Id = query.Id, IsResponse = true, IsTruncated = true, Questions = query.Questions } : Answer(query), received.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task SendAsync(DnsMessage answer, EndPoint to)
    {
        var bytes = new byte[4096];
        answer.TryWrite(bytes, out var length);
        await _udp.SendToAsync(bytes.AsMemory(0, length), SocketFlags.None, to);
    }

    private async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                using var peer = await _tcp.AcceptAsync();
                await using var stream = new NetworkStream(peer);
                var length = new byte[2];
                await stream.ReadExactlyAsync(length);
                var message = new byte[length[0] << 8 | length[1]];
                await stream.ReadExactlyAsync(message);
                if (!DnsMessage.TryParse(message, out var query)) continue;
                Asked.Enqueue($"{query.Questions[0].Name} {query.Questions[0].Type} TCP");
                var bytes = new byte[65535];
                Answer(query).TryWrite(bytes, out var written);
                await stream.WriteAsync((byte[])[(byte)(written >> 8), (byte)(written & 0xFF), .. bytes.AsSpan(0, written)]);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            // The end.
        }
    }

    private DnsMessage Answer(DnsMessage query, string? forged = null, ushort? id = null)
    {
        var question = query.Questions[0];
        var records = new List<DnsRecord>();
        var name = question.Name;
        if (forged is not null) records.Add(Address(name, forged));
        for (var i = 0; forged is null && i < 8 && Names.TryGetValue(name.ToLowerString(), out var targets); i++)
        {
            if (!IPAddress.TryParse(targets[0], out _))
            {
                var alias = DnsName.Parse(targets[0]);
                records.Add(new(name, DnsType.CNAME, DnsQuestion.Internet, Ttl, new DnsPointer(alias)));
                name = alias;
                continue;
            }

            if (question.Type == DnsType.A) records.AddRange(targets.Select(target => Address(name, target)));
            break;
        }

        return new DnsMessage
        {
            Id = id ?? query.Id, IsResponse = true, RecursionAvailable = true, Questions = query.Questions, Answers = [.. records],
            ResponseCode = records.Count == 0 && !Names.ContainsKey(question.Name.ToLowerString()) ? DnsResponseCode.NameError : DnsResponseCode.NoError,
        };
    }

    private DnsRecord Address(DnsName name, string address) => new(name, DnsType.A, DnsQuestion.Internet, Ttl, new DnsAddress(IPAddress.Parse(address)));
}
