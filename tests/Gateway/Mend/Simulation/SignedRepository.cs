using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gatehouse.Trust;

namespace Gatehouse.Tests.Gateway.Mend.Simulation;

/// <summary>A TUF repository in memory, signed with real keys (threshold 2 of 3 for root and targets), and a mirror of it that can be told to misbehave.</summary>
public sealed class SignedRepository : ITransport, IDisposable
{
    private static readonly JsonSerializerOptions _canonical = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly ECDsa[] _keys = [.. Enumerable.Range(0, 5).Select(_ => ECDsa.Create(ECCurve.NamedCurves.nistP256))];
    private readonly SortedDictionary<string, (byte[] Image, JsonObject Custom)> _targets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _metadata = [];
    private int _version;

    public SignedRepository()
    {
        Root = Sign(new JsonObject
        {
            ["_type"] = "root", ["consistent_snapshot"] = true, ["expires"] = Expiry, ["keys"] = KeyTable(), ["roles"] = new JsonObject
            {
                ["root"] = Role(2, 0, 1, 2), ["snapshot"] = Role(1, 3), ["targets"] = Role(2, 0, 1, 2), ["timestamp"] = Role(1, 4),
            },
            ["spec_version"] = "1.0.31", ["version"] = 1,
        }, 0, 1);
        Publish();
    }

    /// <summary>The root that comes with the trust map.</summary>
    public byte[] Root { get; }

    /// <summary>Stands between the mirror and the gateway: the name asked for and the bytes, or null for none.</summary>
    public Func<string, byte[]?, byte[]?> Tamper { get; set; } = (_, bytes) => bytes;

    /// <summary>Target bytes asked for so far.</summary>
    public List<string> Downloads { get; } = [];

    public void Add(string path, byte[] image, string model, string version, string kind = "security", string? hardware = null, string? from = null)
    {
        var custom = new JsonObject { ["fixes"] = new JsonArray("CVE-2026-0001"), ["kind"] = kind, ["model"] = model, ["version"] = version };
        if (hardware is not null) custom["hardware"] = new JsonArray(hardware);
        if (from is not null) custom["from-version"] = from;
        _targets[path] = (image, custom);
        Publish();
    }

    public void Withdraw(string path)
    {
        _targets.Remove(path);
        Publish();
    }

    public Task<Stream?> OpenMetadataAsync(string fileName, CancellationToken cancellationToken) => Serve(fileName, _metadata.GetValueOrDefault(fileName));

    public Task<Stream?> OpenTargetAsync(string path, CancellationToken cancellationToken)
    {
        Downloads.Add(path);
        var found = _targets.Select(target => (Name: $"{Sha256(target.Value.Image)}.{target.Key}", target.Value.Image)).FirstOrDefault(target => target.Name == path);
        return Serve(path, found.Image);
    }

    public static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public void Dispose()
    {
        foreach (var key in _keys) key.Dispose();
    }

    private static string Expiry => DateTime.UtcNow.AddDays(30).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private Task<Stream?> Serve(string name, byte[]? bytes) => Task.FromResult<Stream?>(Tamper(name, bytes) is { } sent ? new MemoryStream(sent) : null);

    private void Publish()
    {
        _version++;
        var targets = Sign(new JsonObject
        {
            ["_type"] = "targets", ["expires"] = Expiry, ["spec_version"] = "1.0.31",
            ["targets"] = new JsonObject(_targets.Select(target => KeyValuePair.Create(target.Key, (JsonNode?)new JsonObject
            {
                ["custom"] = target.Value.Custom.DeepClone(), ["hashes"] = new JsonObject { ["sha256"] = Sha256(target.Value.Image) }, ["length"] = target.Value.Image.Length,
            }))),
            ["version"] = _version,
        }, 0, 2);
        var snapshot = Sign(new JsonObject
        {
            ["_type"] = "snapshot", ["expires"] = Expiry, ["meta"] = new JsonObject { ["targets.json"] = new JsonObject { ["version"] = _version } },
            ["spec_version"] = "1.0.31", ["version"] = _version,
        }, 3);
        _metadata[$"{_version}.targets.json"] = targets;
        _metadata[$"{_version}.snapshot.json"] = snapshot;
        _metadata["timestamp.json"] = Sign(new JsonObject
        {
            ["_type"] = "timestamp", ["expires"] = Expiry, ["meta"] = new JsonObject { ["snapshot.json"] = new JsonObject { ["version"] = _version } },
            ["spec_version"] = "1.0.31", ["version"] = _version,
        }, 4);
    }

    private byte[] Sign(JsonObject signed, params int[] signers)
    {
        var text = Sorted(signed).ToJsonString(_canonical);
        var bytes = Canonical(text);
        var signatures = new JsonArray([.. signers.Select(signer => (JsonNode)new JsonObject
        {
            ["keyid"] = KeyId(signer),
            ["sig"] = Convert.ToHexStringLower(_keys[signer].SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)),
        })]);
        return Encoding.UTF8.GetBytes($"{{\"signatures\":{signatures.ToJsonString(_canonical)},\"signed\":{text}}}");
    }

    private static JsonNode Sorted(JsonNode node) => node switch
    {
        JsonObject map => new JsonObject(map.OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => KeyValuePair.Create(member.Key, (JsonNode?)Sorted(member.Value!)))),
        _ => node.DeepClone(),
    };

    private JsonObject KeyTable() => new(Enumerable.Range(0, _keys.Length).Select(key => KeyValuePair.Create(KeyId(key), (JsonNode?)KeyOf(key))));

    private JsonObject KeyOf(int key) => new()
    {
        ["keytype"] = "ecdsa", ["keyval"] = new JsonObject { ["public"] = _keys[key].ExportSubjectPublicKeyInfoPem() }, ["scheme"] = "ecdsa-sha2-nistp256",
    };

    // TUF 1.0.34, 4.2: the key id is the hash of the key's canonical form.
    private string KeyId(int key) => Sha256(Canonical(Sorted(KeyOf(key)).ToJsonString(_canonical)));

    // Members are written in order and without blanks; what is left is that canonical JSON has line ends as they are.
    private static byte[] Canonical(string text) => Encoding.UTF8.GetBytes(text.Replace("\\n", "\n", StringComparison.Ordinal));

    private JsonObject Role(int threshold, params int[] keys) => new() { ["keyids"] = new JsonArray([.. keys.Select(key => (JsonNode)KeyId(key))]), ["threshold"] = threshold };
}
