using System.Text.Json;
using System.Text.Unicode;

namespace Gatehouse.Trust.Metadata;

/// <summary>One signature on a file: which key claims to have made it, and its bytes.</summary>
internal readonly record struct FileSignature(string KeyId, byte[] Value);

/// <summary>
/// A metadata file as served, read once: the exact bytes, the canonical form of its signed part, its signatures, and where things are.
/// Nothing in it is trusted; <see cref="TrustedMetadataSet"/> decides that.
/// </summary>
internal sealed class SignedFile
{
    private SignedFile(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    /// <summary>The bytes as served. What is kept on disk and hashed is always this, never something written anew.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Where things are inside the signed part.</summary>
    public SignedMap Map { get; } = new();

    public List<FileSignature> Signatures { get; } = [];

    /// <summary>What the signatures are over (4.2.1). Dropped after verification: a large file is not held twice.</summary>
    public ReadOnlyMemory<byte> Canonical { get; private set; }

    private int SignedStart { get; set; } = -1;

    public static Refusal? TryRead(ReadOnlyMemory<byte> bytes, string role, TrustLimits limits, out SignedFile file)
    {
        file = new SignedFile(bytes);
        try
        {
            file.Read(limits);
            return null;
        }
        catch (Exception bad) when (bad is JsonException or FormatException or InvalidOperationException)
        {
            return new Refusal(TrustReason.Malformed, $"The {role} metadata is not what TUF describes: {Shorten(bad.Message)}");
        }
    }

    /// <summary>The signed object, for the small files. Targets metadata is read in place through <see cref="Map"/> instead.</summary>
    public JsonDocument ParseSigned(TrustLimits limits) => ParseAt(SignedStart, limits);

    /// <summary>One member of the signed object; null where it is not there.</summary>
    public JsonDocument? ParseMember(string name, TrustLimits limits) =>
        Map.ValueOf(name) is { } offset ? ParseAt(JsonText.ValueFrom(Bytes.Span, offset), limits) : null;

    /// <summary>The value that starts at <paramref name="offset"/>.</summary>
    public JsonDocument ParseAt(int offset, TrustLimits limits)
    {
        var reader = new Utf8JsonReader(Bytes.Span[offset..], new JsonReaderOptions { MaxDepth = limits.JsonDepth });
        return JsonDocument.ParseValue(ref reader);
    }

    /// <summary>Lets go of the canonical form once the signatures are checked.</summary>
    public void Release() => Canonical = default;

    private static string Shorten(string text) => text.Length <= 200 ? text : text[..200];

    private void Read(TrustLimits limits)
    {
        // The reader below does not look inside strings; bytes that are not UTF-8 would mean different names to different readers.
        if (!Utf8.IsValid(Bytes.Span)) throw new JsonException("it is not UTF-8");

        var reader = new Utf8JsonReader(Bytes.Span, new JsonReaderOptions { MaxDepth = limits.JsonDepth });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("it is not an object");

        var hasSignatures = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("signed"u8)) ReadSigned(ref reader, limits);
            else if (reader.ValueTextEquals("signatures"u8)) hasSignatures = ReadSignatures(ref reader, limits, again: hasSignatures);
            else reader.Skip();
        }

        // Reads on to see that nothing but white space follows.
        while (reader.Read()) { }
        if (SignedStart < 0 || !hasSignatures) throw new JsonException("\"signed\" or \"signatures\" is missing");
    }

    private void ReadSigned(ref Utf8JsonReader reader, TrustLimits limits)
    {
        if (SignedStart >= 0) throw new JsonException("\"signed\" comes twice");

        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("\"signed\" is not an object");

        SignedStart = (int)reader.TokenStartIndex;
        var scanner = new CanonicalScanner(Bytes.Span, SignedStart, limits.JsonDepth);
        scanner.Scan(ref reader, Map);
        Canonical = scanner.Result(Bytes);
    }

    private bool ReadSignatures(ref Utf8JsonReader reader, TrustLimits limits, bool again)
    {
        if (again) throw new JsonException("\"signatures\" comes twice");

        reader.Read();
        using var list = JsonDocument.ParseValue(ref reader);
        if (list.RootElement.GetArrayLength() > limits.Signatures) throw new JsonException($"it has more than {limits.Signatures} signatures");

        foreach (var entry in list.RootElement.EnumerateArray())
        {
            var keyId = entry.GetRequired("keyid").GetText();
            // Two signatures in one key's name: which of them counts would differ between readers.
            if (Signatures.Exists(s => s.KeyId == keyId)) throw new JsonException("one key signs twice");

            Signatures.Add(new FileSignature(keyId, ReadHex(entry.GetRequired("sig").GetText())));
        }

        return true;
    }

    /// <summary>A signature that is not hexadecimal is simply no signature: other keys may still have signed well.</summary>
    private static byte[] ReadHex(string text)
    {
        if (text.Length > 8192) return [];

        var value = new byte[text.Length / 2];
        return Convert.FromHexString(text, value, out _, out _) == System.Buffers.OperationStatus.Done && text.Length % 2 == 0 ? value : [];
    }
}
