using System.Net;
using System.Net.Sockets;

namespace Gatehouse.Console;

/// <summary>Makes the listening sockets, so that a Unix socket has its mode before anybody can connect to it.</summary>
internal static class Sockets
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>A bound socket that does not listen yet: Kestrel calls <c>listen</c>, so until then connecting fails.</summary>
    /// <exception cref="GatewayRunsAlreadyException">Another gateway answers at this socket.</exception>
    public static Socket Bind(EndPoint endPoint)
    {
        if (endPoint is not UnixDomainSocketEndPoint unix)
        {
            var tcp = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            tcp.Bind(endPoint);
            return tcp;
        }

        var path = unix.ToString();
        RemoveStale(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(unix);
        File.SetUnixFileMode(path, OwnerOnly);
        return socket;
    }

    /// <summary>A socket file left by a gateway that was killed is removed; one that answers is not ours to take.</summary>
    private static void RemoveStale(string path)
    {
        if (!File.Exists(path)) return;

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            File.Delete(path);
            return;
        }

        throw new GatewayRunsAlreadyException(path);
    }
}

/// <summary>A gateway is running with this run folder.</summary>
public sealed class GatewayRunsAlreadyException(string path) : Exception($"A gateway runs already: it answers at {path}.");
