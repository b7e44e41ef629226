using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Gatehouse.Lab.Home;

namespace Gatehouse.Lab.Story;

/// <summary>Notes when each MAC address is first heard on the LAN, with a packet socket of its own beside the gateway's.</summary>
internal sealed class FirstFrames : IAsyncDisposable
{
    // ETH_P_ALL in network byte order, as packet(7) wants it.
    private const int AllProtocols = 0x0300;

    private readonly ConcurrentDictionary<string, long> _heard = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _socket = NetworkNamespace.Inside(Topology.Gateway, () => new Socket(AddressFamily.Packet, SocketType.Raw, (ProtocolType)AllProtocols));
    private readonly Task _loop;

    public FirstFrames() => _loop = ListenAsync(_stop.Token);

    public long? HeardAt(string mac) => _heard.TryGetValue(mac, out var at) ? at : null;

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var frame = new byte[2048];
        try
        {
            while (true)
            {
                var length = await _socket.ReceiveAsync(frame, cancellationToken);
                if (length < 14) continue;
                var mac = string.Join(':', frame.Skip(6).Take(6).Select(part => part.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
                _heard.TryAdd(mac, Stopwatch.GetTimestamp());
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Dispose();
        await _loop;
        _stop.Dispose();
    }
}
