using System.Security.Cryptography;
using Gatehouse.Trust.Fetching;

namespace Gatehouse.Trust;

/// <summary>
/// An image on disk whose every byte was checked against metadata that the required keys signed. There is no other way to make one, so
/// whoever is handed a <see cref="VerifiedImage"/> need not ask where it comes from.
/// </summary>
public sealed class VerifiedImage
{
    internal VerifiedImage(string path, ImageCheck check, IReadOnlyList<VerificationReason> reasons, bool isRestored)
    {
        if (!check.Matches) throw new TrustException(TrustReason.HashMismatch, "The image's length or hash is not the signed one.");

        Path = path;
        Length = check.Length;
        Sha256 = check.Sha256;
        Reasons = reasons;
        IsRestored = isRestored;
    }

    /// <summary>The file. Read it through <see cref="OpenRead"/>, which notices when it was changed since.</summary>
    public string Path { get; }

    /// <summary>Length in bytes.</summary>
    public long Length { get; }

    /// <summary>SHA-256 of the bytes, as lower-case hexadecimal digits.</summary>
    public string Sha256 { get; }

    /// <summary>Why the image is trusted: one entry for each repository that had to agree.</summary>
    public IReadOnlyList<VerificationReason> Reasons { get; }

    /// <summary>The first repository's reason, for the usual case of one.</summary>
    public VerificationReason Reason => Reasons[0];

    /// <summary>
    /// True for an image verified again after it was kept: it may be put back as the last known good, also when its metadata has expired
    /// since. Whether it may be installed as the newest is another question, which only <see cref="TufRepository.DownloadAsync(TargetFile, string, CancellationToken)"/> answers.
    /// </summary>
    public bool IsRestored { get; }

    /// <summary>Opens the bytes for one reading from start to end, hashing them on the way. The caller disposes of the stream.</summary>
    /// <returns>A forward-only stream. Its last read fails with a <see cref="TrustException"/> where the file was changed after verification.</returns>
    /// <exception cref="TrustException">The file is gone or has another length now (<see cref="TrustReason.HashMismatch"/>).</exception>
    public Stream OpenRead()
    {
        try
        {
            var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
            if (file.Length == Length) return new CheckedStream(file, this);

            file.Dispose();
            throw new TrustException(TrustReason.HashMismatch, $"{Path} was changed after it was verified.");
        }
        catch (IOException failure)
        {
            throw new TrustException(TrustReason.Storage, $"{Path} cannot be read: {failure.Message}", failure);
        }
    }

    /// <summary>Passes bytes through and hashes them; the piece that completes a wrong hash is never handed out.</summary>
    private sealed class CheckedStream(FileStream file, VerifiedImage image) : Stream
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => image.Length;

        public override long Position { get => file.Position; set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            var read = file.Read(buffer);
            Check(buffer[..read]);
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await file.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            Check(buffer.Span[..read]);
            return read;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                file.Dispose();
                _hash.Dispose();
            }

            base.Dispose(disposing);
        }

        private void Check(Span<byte> piece)
        {
            if (piece.IsEmpty)
            {
                // An end before the length was reached: the file was cut while it was read.
                if (file.Position != image.Length) throw Changed();
                return;
            }

            _hash.AppendData(piece);
            if (file.Position < image.Length) return;
            if (file.Position == image.Length && Convert.ToHexStringLower(_hash.GetCurrentHash()) == image.Sha256) return;

            piece.Clear();
            throw Changed();
        }

        private TrustException Changed() => new(TrustReason.HashMismatch, $"{image.Path} was changed after it was verified.");
    }
}
