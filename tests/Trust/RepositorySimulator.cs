using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gatehouse.Trust;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Tests.Trust;

/// <summary>
/// A repository that behaves, and can be told to misbehave: every document and every signer may be changed before <see cref="Publish"/>,
/// and every served byte after it.
/// </summary>
internal sealed class RepositorySimulator
{
    public static readonly DateTimeOffset Start = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    public RepositorySimulator()
    {
        foreach (var role in new[] { "root", "timestamp", "snapshot", "targets" })
        {
            Signers[role] = [TestKey.Ed25519()];
            Documents[role] = NewDocument(role);
        }

        Documents["root"]["consistent_snapshot"] = true;
        Documents["root"]["keys"] = new JsonObject();
        Documents["root"]["roles"] = new JsonObject();
        foreach (var role in new[] { "root", "timestamp", "snapshot", "targets" }) SetRole(role, Signers[role], 1);
        Documents["targets"]["targets"] = new JsonObject();
        Publish();
    }

    public MemoryTransport Transport { get; } = new();

    public Dictionary<string, JsonObject> Documents { get; } = [];

    /// <summary>Whose signatures each role's next version gets.</summary>
    public Dictionary<string, List<TestKey>> Signers { get; } = [];

    /// <summary>Served as members out of order and with white space, as most tools write it.</summary>
    public bool Pretty { get; set; } = true;

    public bool SnapshotHashes { get; set; }

    public JsonObject Root => Documents["root"];

    public JsonObject Targets => Documents["targets"];

    public static JsonObject NewDocument(string type, DateTimeOffset? expires = null) => new()
    {
        ["version"] = 0L, ["_type"] = type, ["spec_version"] = "1.0.31", ["expires"] = Date(expires ?? Start.AddDays(30)),
    };

    public static string Date(DateTimeOffset date) => date.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public void SetRole(string role, IEnumerable<TestKey> keys, int threshold)
    {
        foreach (var key in keys) Root["keys"]![key.Id] = key.Public.DeepClone();
        Root["roles"]![role] = RoleOf(keys, threshold);
    }

    public static JsonObject RoleOf(IEnumerable<TestKey> keys, int threshold) => new()
    {
        ["keyids"] = new JsonArray(keys.Select(k => (JsonNode)k.Id).ToArray()), ["threshold"] = threshold,
    };

    /// <summary>Gives a top-level role one new key.</summary>
    public TestKey Rotate(string role)
    {
        var key = TestKey.Ed25519();
        Signers[role] = role == "root" ? [.. Signers[role], key] : [key];
        SetRole(role, [key], 1);
        return key;
    }

    /// <summary>Delegates paths from a role to another, which gets a key and an empty document.</summary>
    public JsonObject Delegate(string from, string to, string[] paths, bool terminating = false, TestKey? key = null)
    {
        var signer = key ?? (Signers.TryGetValue(to, out var known) ? known[0] : TestKey.Ed25519());
        Signers.TryAdd(to, [signer]);
        if (!Documents.ContainsKey(to)) Documents[to] = NewTargets();

        var delegations = DelegationsOf(from);
        delegations["keys"]![signer.Id] = signer.Public.DeepClone();
        var delegation = RoleOf([signer], 1);
        delegation["name"] = to;
        delegation["terminating"] = terminating;
        delegation["paths"] = new JsonArray(paths.Select(p => (JsonNode)p).ToArray());
        if (delegations["roles"] is null) delegations["roles"] = new JsonArray();
        delegations["roles"]!.AsArray().Add((JsonNode)delegation);
        return delegation;
    }

    public JsonObject DelegationsOf(string role)
    {
        Documents[role]["delegations"] ??= new JsonObject { ["keys"] = new JsonObject() };
        return Documents[role]["delegations"]!.AsObject();
    }

    public static JsonObject NewTargets()
    {
        var document = NewDocument("targets");
        document["targets"] = new JsonObject();
        return document;
    }

    public byte[] AddTarget(string path, string content, string role = "targets", JsonObject? custom = null)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        var entry = new JsonObject { ["length"] = bytes.Length, ["hashes"] = new JsonObject { ["sha256"] = hash } };
        if (custom is not null) entry["custom"] = custom;
        Documents[role]["targets"]![path] = entry;

        var segments = path.Split('/').Select(RoleName.Encode).ToList();
        segments[^1] = hash + "." + segments[^1];
        Transport.Targets[string.Join('/', segments)] = bytes;
        return bytes;
    }

    /// <summary>Signs and serves the next version of the given roles, and of what must follow: snapshot and timestamp always.</summary>
    public void Publish(params string[] roles)
    {
        if (roles.Length == 0) roles = [.. Documents.Keys.Where(r => r is not ("snapshot" or "timestamp"))];
        foreach (var role in roles.Where(r => r is not ("snapshot" or "timestamp"))) Serve(role);

        Documents["snapshot"]["meta"] ??= new JsonObject();
        foreach (var role in roles.Where(r => r is not ("snapshot" or "timestamp" or "root"))) Documents["snapshot"]["meta"]![role + ".json"] = Meta(role);
        Serve("snapshot");
        Documents["timestamp"]["meta"] = new JsonObject { ["snapshot.json"] = Meta("snapshot") };
        Serve("timestamp");
    }

    /// <summary>Signs and serves the next version of one role, and nothing else.</summary>
    public byte[] Serve(string role)
    {
        Documents[role]["version"] = Version(role) + 1;
        return ServeAsIs(role);
    }

    public byte[] ServeAsIs(string role)
    {
        var bytes = Sign(Documents[role], Signers[role]);
        Transport.Metadata[role == "timestamp" ? "timestamp.json" : $"{Version(role)}.{RoleName.Encode(role)}.json"] = bytes;
        return bytes;
    }

    public long Version(string role) => Documents[role]["version"]!.GetValue<long>();

    public byte[] Sign(JsonObject document, IEnumerable<TestKey> signers)
    {
        var message = CanonicalJson.Encode(Encoding.UTF8.GetBytes(document.ToJsonString()));
        var signatures = new JsonArray();
        foreach (var key in signers)
        {
            signatures.Add((JsonNode)new JsonObject { ["keyid"] = key.Id, ["sig"] = Convert.ToHexStringLower(key.Sign(message)) });
        }

        var file = new JsonObject { ["signatures"] = signatures, ["signed"] = document.DeepClone() };
        return Pretty ? Encoding.UTF8.GetBytes(file.ToJsonString(new() { WriteIndented = true })) : CanonicalJson.Encode(Encoding.UTF8.GetBytes(file.ToJsonString()));
    }

    private JsonObject Meta(string role)
    {
        var meta = new JsonObject { ["version"] = Version(role) };
        if (SnapshotHashes && Transport.Metadata.TryGetValue($"{Version(role)}.{RoleName.Encode(role)}.json", out var bytes))
        {
            meta["length"] = bytes.Length;
            meta["hashes"] = new JsonObject { ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes)) };
        }

        return meta;
    }
}
