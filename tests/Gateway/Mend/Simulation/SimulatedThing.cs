using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Gatehouse.Mend.Drivers;

namespace Gatehouse.Tests.Gateway.Mend.Simulation;

/// <summary>What a simulated device can be told to do wrong.</summary>
public enum Misbehaviour
{
    None,

    /// <summary>Says 200 to the image and does nothing with it.</summary>
    IgnoresImage,

    /// <summary>Installs something else than what it was given.</summary>
    ShowsWrongVersion,

    /// <summary>Takes half of the image, then its power fails; once.</summary>
    LosesPowerInUpload,

    /// <summary>As above, each time.</summary>
    AlwaysLosesPowerInUpload,

    /// <summary>Never answers again after an image.</summary>
    Dies,

    /// <summary>Installs, but answers the upload with an error.</summary>
    SaysErrorButInstalls,

    /// <summary>Installs, and closes the connection without an answer.</summary>
    HangsUpAfterUpload,

    /// <summary>Answers its version with megabytes of nonsense.</summary>
    FloodsVersion,

    /// <summary>Its power fails once, a few seconds after the image was taken.</summary>
    LosesPowerInRestart,
}

public sealed record SimulatedRequest(ushort Port, string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body);

/// <summary>
/// A device on a network of its own: answers HTTP over in-memory streams, restarts, loses power. What its firmware does is written in the
/// image: <c>version=…;web=yes|no;telnet=…</c>.
/// </summary>
public abstract class SimulatedThing(JumpingClock clock) : IDeviceNetwork
{
    private DateTimeOffset _offUntil = DateTimeOffset.MinValue;

    public Misbehaviour Misbehaviour { get; set; }

    /// <summary>Whole images it was handed.</summary>
    public int Uploads { get; private set; }

    /// <summary>Connections tried.</summary>
    public int Connections { get; private set; }

    public bool IsGone { get; set; }

    public IPAddress Address { get; set; } = IPAddress.Parse("192.0.2.7");

    /// <summary>Called for each connection.</summary>
    public Action? Connecting { get; set; }

    /// <summary>What a telnet connection meets, or null where the port is shut.</summary>
    public SimulatedTelnet? Telnet { get; set; }

    protected JumpingClock Clock => clock;

    public abstract string DriverName { get; }

    /// <summary>The version of what runs now.</summary>
    public abstract string Running { get; }

    /// <summary>An image for this kind of device.</summary>
    public abstract byte[] Image(string version, bool web = true);

    protected abstract bool HasWeb { get; }

    protected bool IsOn => !IsGone && clock.Now >= _offUntil;

    public async Task<Stream> ConnectAsync(Gatehouse.Wire.MacAddress thing, IPEndPoint device, CancellationToken cancellationToken)
    {
        await Task.Yield();
        Connections++;
        Connecting?.Invoke();
        Settle();
        if (!device.Address.Equals(Address) || !IsOn || !Accepts((ushort)device.Port)) throw new SocketException((int)SocketError.ConnectionRefused);

        var (toThing, fromThing) = (new Pipe(), new Pipe());
        var port = (ushort)device.Port;
        _ = port == 23 ? Telnet!.ServeAsync(toThing.Reader, fromThing.Writer) : ServeAsync(port, toThing.Reader, fromThing.Writer);
        return Join(fromThing.Reader, toThing.Writer);
    }

    /// <summary>Two pipes as one stream.</summary>
    public static Stream Join(PipeReader reader, PipeWriter writer) => new PipeStream(reader, writer);

    /// <summary>Takes the power away and gives it back a little later.</summary>
    public virtual void CutPower() => TurnOff(TimeSpan.FromSeconds(4));

    protected void TurnOff(TimeSpan time) => _offUntil = clock.Now + time;

    protected abstract bool Accepts(ushort port);

    /// <summary>Does what time has brought: restarts that are over, slots that were given up.</summary>
    protected virtual void Settle()
    {
    }

    protected abstract (int Status, string Body) Answer(SimulatedRequest request);

    /// <summary>The file in a form, or null where there is none.</summary>
    protected static byte[]? FileIn(SimulatedRequest request, string field)
    {
        var boundary = "--" + request.Headers["content-type"].Split("boundary=")[1];
        var head = $"{boundary}\r\n";
        var text = Encoding.Latin1.GetString(request.Body);
        var start = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (!text.StartsWith(head, StringComparison.Ordinal) || start < 0 || !text[..start].Contains($"name=\"{field}\"", StringComparison.Ordinal)) return null;
        var end = text.IndexOf($"\r\n{boundary}--", start, StringComparison.Ordinal);
        return end < 0 ? null : request.Body[(start + 4)..end];
    }

    /// <summary>What an image says of itself.</summary>
    protected static string? Said(byte[] image, string name)
    {
        var words = Encoding.Latin1.GetString(image, 0, Math.Min(image.Length, 200)).Split('\0')[0].Split(';');
        return words.Select(word => word.Split('=')).Where(word => word.Length == 2 && word[0].EndsWith(name, StringComparison.Ordinal)).Select(word => word[1]).FirstOrDefault();
    }

    protected static byte[] Padded(byte[] head, string text)
    {
        var image = new byte[20_000];
        head.CopyTo(image, 0);
        Encoding.Latin1.GetBytes(text).CopyTo(image, head.Length);
        return image;
    }

    /// <summary>Called for each whole image; true where the device goes on to install it.</summary>
    protected bool TakeUpload()
    {
        Uploads++;
        return Misbehaviour != Misbehaviour.IgnoresImage;
    }

    private async Task ServeAsync(ushort port, PipeReader input, PipeWriter output)
    {
        try
        {
            if (await ReadAsync(port, input, this) is not { } request) return;
            var (status, body) = Misbehaviour == Misbehaviour.FloodsVersion && request.Method == "GET" ? (200, new string('9', 3_000_000)) : Answer(request);
            if (request.Method == "POST" && Misbehaviour == Misbehaviour.SaysErrorButInstalls) status = 500;
            if (request.Method == "POST" && Misbehaviour == Misbehaviour.HangsUpAfterUpload) return;
            var bytes = Encoding.Latin1.GetBytes(body);
            var head = string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} X\r\nContent-Length: {bytes.Length}\r\nConnection: close\r\n\r\n");
            await output.WriteAsync(Encoding.Latin1.GetBytes(head));
            await output.WriteAsync(bytes);
        }
        finally
        {
            await output.CompleteAsync();
            await input.CompleteAsync();
        }
    }

    /// <summary>Reads one request; null where the connection ended in the middle.</summary>
    public static async Task<SimulatedRequest?> ReadAsync(ushort port, PipeReader input, SimulatedThing? thing = null)
    {
        await using var stream = input.AsStream(leaveOpen: true);
        var head = new List<byte>();
        while (!EndsWithBlankLine(head))
        {
            var one = new byte[1];
            if (await stream.ReadAsync(one) == 0) return null;
            head.Add(one[0]);
        }

        var lines = Encoding.Latin1.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(line => line[0].ToLowerInvariant(), line => line[1]);
        var body = new byte[headers.TryGetValue("content-length", out var length) ? int.Parse(length, CultureInfo.InvariantCulture) : 0];
        if (body.Length > 10_000 && thing is { Misbehaviour: Misbehaviour.LosesPowerInUpload or Misbehaviour.AlwaysLosesPowerInUpload })
        {
            await stream.ReadExactlyAsync(body.AsMemory(0, body.Length / 2));
            if (thing.Misbehaviour == Misbehaviour.LosesPowerInUpload) thing.Misbehaviour = Misbehaviour.None;
            thing.CutPower();
            return null;
        }

        if (await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false) < body.Length) return null;
        var request = lines[0].Split(' ');
        return new SimulatedRequest(port, request[0], request[1], headers, body);
    }

    private static bool EndsWithBlankLine(List<byte> bytes) => bytes.Count >= 4 && bytes[^4] == '\r' && bytes[^3] == '\n' && bytes[^2] == '\r' && bytes[^1] == '\n';

    /// <summary>Two pipes as one stream.</summary>
    private sealed class PipeStream(PipeReader reader, PipeWriter writer) : Stream
    {
        private readonly Stream _in = reader.AsStream();
        private readonly Stream _out = writer.AsStream();

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => _out.Flush();
        public override Task FlushAsync(CancellationToken cancellationToken) => _out.FlushAsync(cancellationToken);
        public override int Read(byte[] buffer, int offset, int count) => _in.Read(buffer, offset, count);
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _in.ReadAsync(buffer, cancellationToken);
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => _out.Write(buffer, offset, count);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var result = await writer.WriteAsync(buffer, cancellationToken);
            if (result.IsCompleted) throw new IOException("the other side closed the connection");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                writer.Complete();
                reader.Complete();
            }

            base.Dispose(disposing);
        }
    }
}
