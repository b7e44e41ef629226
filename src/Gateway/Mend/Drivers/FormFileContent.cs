using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Gatehouse.Mend.Drivers;

/// <summary>
/// A form with one file (RFC 7578), its length known before it is sent. The framework's own form sends a stream in chunks, which the small web
/// servers of Things do not read, and quotes the boundary, which they do not expect.
/// </summary>
internal sealed class FormFileContent : HttpContent
{
    private readonly Stream _file;
    private readonly long _length;
    private readonly byte[] _head;
    private readonly byte[] _tail;

    /// <param name="field">A name of letters and digits, as is <paramref name="fileName"/>: they are written as they are.</param>
    public FormFileContent(string field, string fileName, Stream file, long length)
    {
        var boundary = $"gatehouse{Guid.NewGuid():N}";
        (_file, _length) = (file, length);
        _head = Encoding.ASCII.GetBytes(
            $"--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{fileName}\"\r\nContent-Type: application/octet-stream\r\n\r\n");
        _tail = Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n");
        Headers.ContentType = new MediaTypeHeaderValue("multipart/form-data") { Parameters = { new NameValueHeaderValue("boundary", boundary) } };
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(_head);
        await _file.CopyToAsync(stream);
        await stream.WriteAsync(_tail);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _head.Length + _length + _tail.Length;
        return true;
    }
}
