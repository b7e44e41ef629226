using System.Security.Cryptography;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust.Fetching;

/// <summary>Hashes an image piece by piece and says at the end whether it is the signed one. Holds no part of the image.</summary>
internal sealed class ImageCheck : IDisposable
{
    private readonly TargetEntry _expected;
    private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash? _sha512;

    public ImageCheck(TargetEntry expected)
    {
        _expected = expected;
        // SHA-256 always: it is the image's name from here on. SHA-512 only where it was signed, since it doubles the work.
        if (expected.Hashes.Known.Any(h => h.Key == "sha512")) _sha512 = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
    }

    public long Length { get; private set; }

    public string Sha256 { get; private set; } = "";

    public bool Matches { get; private set; }

    public void Append(ReadOnlySpan<byte> piece)
    {
        Length += piece.Length;
        _sha256.AppendData(piece);
        _sha512?.AppendData(piece);
    }

    /// <summary>5.7.3. An image of which no known hash was signed is not verified, so it does not match.</summary>
    public bool Finish()
    {
        var sha256 = _sha256.GetHashAndReset();
        Sha256 = Convert.ToHexStringLower(sha256);
        var sha512 = _sha512?.GetHashAndReset();
        Matches = Length == _expected.Length
            && _expected.Hashes.Known.Count > 0
            && _expected.Hashes.Known.All(h => h.Value.AsSpan().SequenceEqual(h.Key == "sha256" ? sha256 : sha512));
        return Matches;
    }

    /// <summary>Checks a file that is there already. False where it is not there or is another.</summary>
    public async Task<bool> RunAsync(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path) || new FileInfo(path).Length != _expected.Length) return false;

        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.SequentialScan);
        var buffer = GC.AllocateUninitializedArray<byte>(Fetcher.BufferBytes);
        for (long at = 0; ;)
        {
            var read = await RandomAccess.ReadAsync(file, buffer, at, cancellationToken).ConfigureAwait(false);
            if (read == 0) return Finish();

            Append(buffer.AsSpan(0, read));
            at += read;
        }
    }

    public void Dispose()
    {
        _sha256.Dispose();
        _sha512?.Dispose();
    }
}
