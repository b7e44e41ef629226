using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Keys;
using Gatehouse.Trust;

namespace Gatehouse.Maker.Repository;

/// <summary>One metadata file while it is being made: its signed part and the signatures so far. Fields this tool does not know stay as they are.</summary>
internal sealed class MetadataDocument
{
    public const string SpecVersion = "1.0.34";

    private readonly JsonObject _file;

    private MetadataDocument(JsonObject file) => _file = file;

    public JsonObject Signed => _file["signed"]!.AsObject();

    public JsonArray Signatures => _file["signatures"]!.AsArray();

    public string Type => Signed["_type"]!.GetValue<string>();

    public long Version
    {
        get => Signed["version"]!.GetValue<long>();
        set => Signed["version"] = value;
    }

    public DateTimeOffset Expires
    {
        get => DateTimeOffset.Parse(Signed["expires"]!.GetValue<string>(), CultureInfo.InvariantCulture);
        set => Signed["expires"] = value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    public static MetadataDocument Create(string type, DateTimeOffset expires)
    {
        var document = new MetadataDocument(new JsonObject
        {
            ["signatures"] = new JsonArray(),
            ["signed"] = new JsonObject { ["_type"] = type, ["spec_version"] = SpecVersion, ["version"] = 1L },
        });
        document.Expires = expires;
        return document;
    }

    public static MetadataDocument Parse(byte[] bytes, string where)
    {
        try
        {
            var file = JsonNode.Parse(bytes)!.AsObject();
            var document = new MetadataDocument(file);
            _ = document.Version + document.Signatures.Count;
            return document;
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException or NullReferenceException or FormatException)
        {
            throw new MakerException($"{where} is not a metadata file: {bad.Message}");
        }
    }

    /// <summary>A signed document that has no version, like a takeover.</summary>
    public static MetadataDocument ParseAny(byte[] bytes, string where)
    {
        try
        {
            var document = new MetadataDocument(JsonNode.Parse(bytes)!.AsObject());
            _ = document.Signed.Count + document.Signatures.Count;
            return document;
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new MakerException($"{where} is not a signed document: {bad.Message}");
        }
    }

    public MetadataDocument Clone() => new((JsonObject)_file.DeepClone());

    /// <summary>The next version of it, unsigned.</summary>
    public MetadataDocument Next(DateTimeOffset expires)
    {
        var next = Clone();
        next.Version++;
        next.Expires = expires;
        next.Signatures.Clear();
        return next;
    }

    public byte[] ToSign() => CanonicalJson.Encode(Encoding.UTF8.GetBytes(Signed.ToJsonString()));

    /// <summary>The file as it is served: canonical as a whole, so that clients verify it without a copy.</summary>
    public byte[] ToBytes() => CanonicalJson.Encode(Encoding.UTF8.GetBytes(_file.ToJsonString()));

    public void Sign(MakerKey key) => AddSignature(key.KeyId, Convert.ToHexStringLower(key.Sign(ToSign())));

    public void AddSignature(string keyId, string signature)
    {
        if (Signatures.FirstOrDefault(s => s!["keyid"]!.GetValue<string>() == keyId) is { } old) Signatures.Remove(old);
        Signatures.Add((JsonNode)new JsonObject { ["keyid"] = keyId, ["sig"] = signature });
    }

    /// <summary>Takes in the signatures that another copy of the same document has gathered. Returns how many are new.</summary>
    public int Merge(MetadataDocument other)
    {
        var before = SignedBy().Count;
        foreach (var signature in other.Signatures) AddSignature(signature!["keyid"]!.GetValue<string>(), signature["sig"]!.GetValue<string>());
        return SignedBy().Count - before;
    }

    public IReadOnlyList<string> SignedBy() => Signatures.Select(s => s!["keyid"]!.GetValue<string>()).ToList();
}
