using System.Security.Cryptography;
using System.Text.Json;

namespace Gatehouse.Trust.Metadata;

/// <summary>The hashes that metadata gives of a file. Algorithms this client does not know are passed over; for an image at least one must be known.</summary>
internal sealed class FileHashes
{
    public static readonly FileHashes None = new([]);

    private readonly List<KeyValuePair<string, byte[]>> _known;

    private FileHashes(List<KeyValuePair<string, byte[]>> known) => _known = known;

    public IReadOnlyList<KeyValuePair<string, byte[]>> Known => _known;

    /// <exception cref="JsonException">Not an object of hexadecimal texts, or empty.</exception>
    public static FileHashes Parse(JsonElement hashes)
    {
        var known = new List<KeyValuePair<string, byte[]>>();
        var any = false;
        foreach (var entry in hashes.GetMembers())
        {
            any = true;
            var size = entry.Name switch { "sha256" => SHA256.HashSizeInBytes, "sha512" => SHA512.HashSizeInBytes, _ => 0 };
            if (size == 0) continue;

            known.Add(new(entry.Name, ReadHash(entry.Value.GetText(), size)));
        }

        return any ? new FileHashes(known) : throw new JsonException("a list of hashes is empty");
    }

    /// <summary>Every known hash fits. Vacuously so where none is known: whether that will do is the caller's question.</summary>
    public bool Match(ReadOnlySpan<byte> bytes)
    {
        Span<byte> actual = stackalloc byte[SHA512.HashSizeInBytes];
        foreach (var (algorithm, expected) in _known)
        {
            var length = algorithm == "sha256" ? SHA256.HashData(bytes, actual) : SHA512.HashData(bytes, actual);
            if (!actual[..length].SequenceEqual(expected)) return false;
        }

        return true;
    }

    private static byte[] ReadHash(string text, int size)
    {
        var value = new byte[size];
        return text.Length == size * 2 && Convert.FromHexString(text, value, out _, out _) == System.Buffers.OperationStatus.Done
            ? value
            : throw new JsonException("a hash is not hexadecimal of the right length");
    }
}
