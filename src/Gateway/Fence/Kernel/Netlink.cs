using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Gatehouse.Fence.Kernel;

/// <summary>One netlink socket: a request, its answers, and the kernel's verdict. Not for use by two threads at once.</summary>
/// <remarks>Messages are in the machine's byte order (little-endian on every platform we build for), attributes inside conntrack in network order.</remarks>
[SuppressMessage("Interoperability", "CA5392", Justification = "libc is always loaded.")]
internal sealed partial class Netlink : IDisposable
{
    public const int Route = 0;
    public const int Netfilter = 12;

    public const ushort RequestFlag = 1;
    public const ushort AckFlag = 4;
    public const ushort ReplaceFlag = 0x100;
    public const ushort DumpFlag = 0x300;
    public const ushort CreateFlag = 0x400;

    private const int AddressFamily = 16;
    private const int HeaderSize = 16;
    private const ushort ErrorMessage = 2;
    private const ushort DoneMessage = 3;

    private readonly int _socket;
    private uint _sequence;

    /// <exception cref="IOException">No such socket here.</exception>
    public Netlink(int protocol)
    {
        const int Raw = 3;
        const int CloseOnExec = 0x80000;
        _socket = socket(AddressFamily, Raw | CloseOnExec, protocol);
        if (_socket < 0) throw Failure("socket");

        // Two seconds: the kernel answers at once; a wait without end would hold up the fence.
        if (setsockopt(_socket, 1, 20, [2, 0], 16) != 0) throw Failure("setsockopt");
    }

    /// <summary>Sends a request and hands every answer (its type and what follows the netlink header) to <paramref name="take"/>.</summary>
    /// <returns>0, or the kernel's error number.</returns>
    /// <exception cref="IOException">The socket itself failed.</exception>
    public int Request(ushort type, ushort flags, ReadOnlySpan<byte> body, Action<ushort, ReadOnlySpan<byte>>? take)
    {
        var message = new byte[HeaderSize + body.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)message.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(6), (ushort)(flags | RequestFlag | (flags & DumpFlag) switch { DumpFlag => 0, _ => AckFlag }));
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(8), unchecked(++_sequence));
        body.CopyTo(message.AsSpan(HeaderSize));
        if (send(_socket, message, message.Length, 0) != message.Length) throw Failure("send");

        var buffer = new byte[256 * 1024];
        while (true)
        {
            var received = recv(_socket, buffer, buffer.Length, 0);
            if (received < 0) throw Failure("recv");
            if (TryTakeAll(buffer.AsSpan(0, (int)received), take, out var error)) return error;
        }
    }

    /// <summary>Asks the kernel to tell of every change of an interface; then <see cref="WaitForNews"/> waits for one.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void ListenToLinks()
    {
        const int LinkGroup = 1;
        var address = new byte[12];
        BinaryPrimitives.WriteUInt16LittleEndian(address, AddressFamily);
        BinaryPrimitives.WriteUInt32LittleEndian(address.AsSpan(8), LinkGroup);
        if (bind(_socket, address, address.Length) != 0) throw Failure("bind");
    }

    /// <summary>Waits for news, at most the two seconds that every wait here has. What the news is, one has to look up.</summary>
    public void WaitForNews()
    {
        // Lost news (ENOBUFS) and none in time (EAGAIN) are answered alike: look.
        var buffer = new byte[16 * 1024];
        _ = recv(_socket, buffer, buffer.Length, 0);
    }

    public void Dispose() => _ = close(_socket);

    /// <summary>True when the last message of the answer was there.</summary>
    private bool TryTakeAll(ReadOnlySpan<byte> rest, Action<ushort, ReadOnlySpan<byte>>? take, out int error)
    {
        error = 0;
        while (rest.Length >= HeaderSize)
        {
            var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(rest);
            var type = BinaryPrimitives.ReadUInt16LittleEndian(rest[4..]);
            if (length < HeaderSize || length > rest.Length) throw new IOException("netlink: a message is longer than what came.");

            if (BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]) == _sequence)
            {
                var body = rest[HeaderSize..length];
                if (type is ErrorMessage or DoneMessage)
                {
                    error = body.Length >= 4 ? -BinaryPrimitives.ReadInt32LittleEndian(body) : 0;
                    return true;
                }

                take?.Invoke(type, body);
            }

            rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        }

        return false;
    }

    private static IOException Failure(string call)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"netlink {call}: {new Win32Exception(error).Message}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int socket, ReadOnlySpan<byte> buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int socket, Span<byte> buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int socket, int level, int name, ReadOnlySpan<long> value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int bind(int socket, ReadOnlySpan<byte> address, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int socket);
}

/// <summary>Walks netlink attributes (length, type, value, padded to four bytes). Ends at the first that does not fit.</summary>
internal ref struct NetlinkAttributes(ReadOnlySpan<byte> bytes)
{
    private const int TypeMask = 0x3FFF;
    private ReadOnlySpan<byte> _rest = bytes;

    public int Type { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    public bool MoveNext()
    {
        if (_rest.Length < 4) return false;
        int length = BinaryPrimitives.ReadUInt16LittleEndian(_rest);
        if (length < 4 || length > _rest.Length) return false;

        Type = BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]) & TypeMask;
        Value = _rest[4..length];
        _rest = _rest[Math.Min((length + 3) & ~3, _rest.Length)..];
        return true;
    }

    /// <summary>The value of the first attribute of a type, empty where there is none.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> bytes, int type)
    {
        var attributes = new NetlinkAttributes(bytes);
        while (attributes.MoveNext())
        {
            if (attributes.Type == type) return attributes.Value;
        }

        return default;
    }
}

/// <summary>Writes netlink attributes.</summary>
internal sealed class NetlinkBody
{
    private const ushort NestedFlag = 0x8000;
    private readonly List<byte> _bytes = [];

    public ReadOnlySpan<byte> Bytes => CollectionsMarshal.AsSpan(_bytes);

    public NetlinkBody Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public NetlinkBody Add(int type, ReadOnlySpan<byte> value)
    {
        Span<byte> header = stackalloc byte[4];
        BinaryPrimitives.WriteUInt16LittleEndian(header, (ushort)(value.Length + 4));
        BinaryPrimitives.WriteUInt16LittleEndian(header[2..], (ushort)type);
        _bytes.AddRange(header);
        _bytes.AddRange(value);
        while (_bytes.Count % 4 != 0) _bytes.Add(0);
        return this;
    }

    public NetlinkBody Nest(int type, Action<NetlinkBody> write)
    {
        var inner = new NetlinkBody();
        write(inner);
        return Add(type | NestedFlag, inner.Bytes);
    }
}
