using System.IO.Compression;

namespace Gatehouse.Wire.Captures;

/// <summary>How reading a capture ended.</summary>
/// <param name="Packets">Packets given to the consumer.</param>
/// <param name="Bytes">Their length on the wire.</param>
/// <param name="Skipped">Packets of a link type that is not read here.</param>
/// <param name="Fault">Why reading stopped before the end, in one sentence; null when the end was reached.</param>
public readonly record struct CaptureSummary(long Packets, long Bytes, long Skipped, string? Fault);

/// <summary>
/// A capture on disk: pcap (micro- and nanosecond, both byte orders) or pcapng, plain or gzip. Hostile input: what was readable before a
/// fault is given, nothing after it.
/// </summary>
/// <remarks>
/// Read through a buffer, not a memory mapping: a file cut short under a mapping kills the process, and the copy costs about a tenth of
/// the decoding.
/// </remarks>
public sealed class CaptureFile : IDisposable
{
    private static ReadOnlySpan<byte> GzipMagic => [0x1F, 0x8B];

    private readonly CaptureBuffer _buffer;
    private bool _isRead;

    private CaptureFile(Stream stream) => _buffer = new CaptureBuffer(stream);

    /// <summary>Opens a file; what it contains is judged by <see cref="ReadAll"/>.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static CaptureFile Open(string path) => Open(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0));

    /// <summary>Takes over <paramref name="stream"/>, which can seek, and closes it in the end.</summary>
    public static CaptureFile Open(Stream stream)
    {
        Span<byte> magic = stackalloc byte[2];
        var isGzip = stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.SequenceEqual(GzipMagic);
        stream.Seek(-stream.Position, SeekOrigin.Current);
        return new CaptureFile(isGzip ? new GZipStream(stream, CompressionMode.Decompress) : stream);
    }

    /// <summary>Gives every packet to <paramref name="consumer"/>, in the file's order. May be called once.</summary>
    public CaptureSummary ReadAll<T>(ref T consumer)
        where T : IFrameConsumer, allows ref struct
    {
        ObjectDisposedException.ThrowIf(_isRead, this);
        _isRead = true;

        var count = new CaptureCount();
        string? fault;
        try
        {
            fault = ReadPackets(ref consumer, ref count);
        }
        catch (Exception damage) when (damage is InvalidDataException or IOException)
        {
            fault = $"the file is damaged: {damage.Message}";
        }

        return new(count.Packets, count.Bytes, count.Skipped, fault);
    }

    private string? ReadPackets<T>(ref T consumer, ref CaptureCount count)
        where T : IFrameConsumer, allows ref struct
    {
        var start = _buffer.Peek(PcapReader.MagicSize);
        if (PcapReader.TryReadMagic(start, out var format)) return new PcapReader(_buffer, format).ReadAll(ref consumer, ref count);
        if (PcapngReader.IsMagic(start)) return new PcapngReader(_buffer).ReadAll(ref consumer, ref count);
        return start.IsEmpty ? "the file is empty" : "the file is neither pcap nor pcapng";
    }

    public void Dispose() => _buffer.Dispose();
}

/// <summary>Packets given on so far.</summary>
internal record struct CaptureCount(long Packets, long Bytes, long Skipped)
{
    /// <summary>Gives a frame on, if its link type is one that is read here.</summary>
    public void Give<T>(ref T consumer, in Frame frame)
        where T : IFrameConsumer, allows ref struct
    {
        if (frame.Link is not (LinkType.Ethernet or LinkType.Raw or LinkType.LinuxCooked or LinkType.LinuxCooked2))
        {
            Skipped++;
            return;
        }

        Packets++;
        Bytes += frame.OriginalLength;
        consumer.Take(frame);
    }
}
