using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Gatehouse.Console;

/// <summary>How many connections a door takes at once, in all and from one address. A connection over the limit is closed unread.</summary>
internal sealed class ConnectionLimit(int max, int maxPerPeer)
{
    private readonly Dictionary<IPAddress, int> _open = [];
    private int _total;

    public ConnectionDelegate Around(ConnectionDelegate next) => async connection =>
    {
        var peer = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (!TryEnter(peer))
        {
            connection.Abort();
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            Leave(peer);
        }
    };

    private bool TryEnter(IPAddress peer)
    {
        lock (_open)
        {
            var open = _open.GetValueOrDefault(peer);
            if (_total >= max || open >= maxPerPeer) return false;

            _open[peer] = open + 1;
            _total++;
            return true;
        }
    }

    private void Leave(IPAddress peer)
    {
        lock (_open)
        {
            _total--;
            if (--_open[peer] == 0) _open.Remove(peer);
        }
    }
}
