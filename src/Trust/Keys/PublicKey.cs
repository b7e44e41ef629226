using System.Text.Json;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust.Keys;

/// <summary>A public key out of a key table (4.2.1). A key of a type or scheme this client does not know is kept, and verifies nothing.</summary>
internal sealed class PublicKey
{
    private readonly ISignatureVerifier? _verifier;

    private PublicKey(string type, string scheme, string identity, ISignatureVerifier? verifier)
    {
        Type = type;
        Scheme = scheme;
        Identity = identity;
        _verifier = verifier;
    }

    public string Type { get; }

    public string Scheme { get; }

    /// <summary>
    /// What makes this key itself: its scheme and key bytes, not its id. A threshold counts distinct keys; the same key listed under ten
    /// ids is one key.
    /// </summary>
    public string Identity { get; }

    public bool IsKnown => _verifier is not null;

    public static PublicKey Parse(JsonElement key)
    {
        var type = key.GetRequired("keytype").GetText();
        var scheme = key.GetRequired("scheme").GetText();
        var keyval = key.GetRequired("keyval");
        var text = keyval.ValueKind == JsonValueKind.Object && keyval.TryGetProperty("public", out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : keyval.GetRawText();
        var verifier = SignatureSchemes.TryMake(type, scheme, text);
        return new PublicKey(type, scheme, verifier?.Identity ?? $"{type} {scheme} {text}", verifier);
    }

    public bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => _verifier is not null && _verifier.Verifies(message, signature);
}
