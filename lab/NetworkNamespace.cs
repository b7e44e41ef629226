using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Gatehouse.Lab;

/// <summary>Sockets that stand in another network namespace: a socket belongs to the namespace of the thread that makes it, whoever uses it later.</summary>
internal static partial class NetworkNamespace
{
    private const int CloneNewNet = 0x40000000;
    private const int ReadOnlyCloseOnExec = 0x80000;

    /// <summary>Runs <paramref name="make"/> on a thread of its own inside the namespace; what it makes may be used anywhere.</summary>
    public static T Inside<T>(string name, Func<T> make)
    {
        T? made = default;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Enter(name);
                made = make();
            }
            catch (Exception problem) when (problem is LabException or SocketException or IOException)
            {
                failure = problem;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? made! : throw new LabException($"in namespace {name}: {failure.Message}");
    }

    public static Socket Tcp(string name) => Inside(name, () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));

    public static Socket Udp(string name) => Inside(name, () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));

    /// <summary>A connected TCP socket, or null when nothing answers in time.</summary>
    public static async Task<Socket?> TryConnectAsync(string name, IPEndPoint remote, TimeSpan limit, CancellationToken cancellationToken)
    {
        var socket = Tcp(name);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        try
        {
            await socket.ConnectAsync(remote, timeout.Token);
            return socket;
        }
        catch (Exception problem) when (problem is SocketException || (problem is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            socket.Dispose();
            return null;
        }
    }

    private static void Enter(string name)
    {
        var descriptor = Open($"/run/netns/{name}", ReadOnlyCloseOnExec);
        if (descriptor < 0) throw new LabException("there is no such namespace");
        var entered = SetNamespace(descriptor, CloneNewNet);
        var error = Marshal.GetLastPInvokeError();
        _ = Close(descriptor);
        if (entered != 0) throw new LabException($"setns failed with error {error}");
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int kind);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
