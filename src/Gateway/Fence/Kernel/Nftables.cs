using System.Runtime.InteropServices;
using System.Text;

namespace Gatehouse.Fence.Kernel;

/// <summary>The kernel, or libnftables, refused a transaction. Nothing of it was applied.</summary>
public sealed class NftablesException(string message) : Exception(message)
{
    /// <summary>An element to delete was not there: it had just expired.</summary>
    public bool IsNotFound => Message.Contains("No such file or directory", StringComparison.Ordinal);

    /// <summary>A set is full. The kernel says ENFILE for it.</summary>
    public bool IsFull => Message.Contains("Too many open files", StringComparison.Ordinal);
}

/// <summary>libnftables in this process. One transaction at a time; each is applied whole or not at all.</summary>
/// <remarks>
/// Takes only <see cref="NftTransaction"/>: libnftables reads a buffer that is not valid JSON as its own rule language, and looks text
/// that stands where an address belongs up in DNS, so no text may get here that was not written from typed values.
/// </remarks>
public sealed partial class Nftables : IDisposable
{
    private const uint OutputJson = 1 << 4;
    private const uint OutputNumericProtocol = 1 << 7;

    private readonly Lock _lock = new();
    private nint _context;

    /// <exception cref="NftablesException">libnftables cannot be used here.</exception>
    public Nftables()
    {
        try
        {
            _context = nft_ctx_new(0);
        }
        catch (DllNotFoundException)
        {
            throw new NftablesException("libnftables.so.1 is not installed (Debian package libnftables1).");
        }

        if (_context == 0) throw new NftablesException("libnftables gave no context.");
        nft_ctx_output_set_flags(_context, OutputJson | OutputNumericProtocol);
        if (nft_ctx_buffer_output(_context) != 0 || nft_ctx_buffer_error(_context) != 0) throw new NftablesException("libnftables cannot buffer.");
    }

    /// <summary>Applies a transaction and returns what the kernel answered (JSON), empty where nothing was asked.</summary>
    /// <exception cref="NftablesException">It was refused; the rules are as they were.</exception>
    public string Run(NftTransaction transaction)
    {
        var command = transaction.ToCommand();
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_context == 0, this);
            var status = nft_run_cmd_from_buffer(_context, command);
            var output = Marshal.PtrToStringUTF8(nft_ctx_get_output_buffer(_context)) ?? "";
            var error = Marshal.PtrToStringUTF8(nft_ctx_get_error_buffer(_context)) ?? "";
            return status == 0 ? output : throw new NftablesException(Shorten(error));
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_context != 0) nft_ctx_free(_context);
            _context = 0;
        }
    }

    // The library echoes the whole buffer under its first line.
    private static string Shorten(string error)
    {
        var text = new StringBuilder();
        foreach (var line in error.Split('\n'))
        {
            if (line.Contains("Error", StringComparison.Ordinal) && text.Length < 400) text.Append(line.Length <= 200 ? line : line[..200]).Append(' ');
        }

        return text.Length > 0 ? text.ToString().TrimEnd() : "libnftables refused the transaction.";
    }

    [LibraryImport("libnftables.so.1")]
    private static partial nint nft_ctx_new(uint flags);

    [LibraryImport("libnftables.so.1")]
    private static partial void nft_ctx_free(nint context);

    [LibraryImport("libnftables.so.1")]
    private static partial void nft_ctx_output_set_flags(nint context, uint flags);

    [LibraryImport("libnftables.so.1")]
    private static partial int nft_ctx_buffer_output(nint context);

    [LibraryImport("libnftables.so.1")]
    private static partial int nft_ctx_buffer_error(nint context);

    [LibraryImport("libnftables.so.1")]
    private static partial nint nft_ctx_get_output_buffer(nint context);

    [LibraryImport("libnftables.so.1")]
    private static partial nint nft_ctx_get_error_buffer(nint context);

    [LibraryImport("libnftables.so.1")]
    private static partial int nft_run_cmd_from_buffer(nint context, ReadOnlySpan<byte> buffer);
}
