using System.Text;
using System.Text.Json;
using Gatehouse.Trust;
using Gatehouse.Trust.Keys;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Fuzz;

/// <summary>Metadata, keys and maps as a mirror or a stranger's file may send them. Each input may take 64 MB at most.</summary>
internal static class TrustInputs
{
    private const long MaxAllocated = 64L * 1024 * 1024;

    private static readonly TrustLimits Limits = TrustLimits.Default;

    public static IEnumerable<byte[]> MetadataSeeds() => RecordedBlobs().Append("""
        {"signatures":[{"keyid":"k","sig":"00ff"}],"signed":{"_type":"targets","delegations":{"keys":{},"succinct_roles":{"bit_length":8,"keyids":[],"name_prefix":"b","threshold":1}},"expires":"2030-01-01T00:00:00Z","spec_version":"1.0.34","targets":{"a/b":{"custom":{"x":[1,-2,"\u00fc"]},"hashes":{"sha256":"00"},"length":1}},"version":1}}
        """u8.ToArray()).Append("""
        {"signatures":[],"signed":{"_type":"takeover","declared":"2030-01-01T00:00:00Z","last-seen":{"k":{"at":"2029-01-01T00:00:00Z","timestamp-version":1}},"maker-root":{"sha256":"00"},"new-root":{"sha256":"00"}}}
        """u8.ToArray());

    public static IEnumerable<byte[]> KeySeeds() => RecordedBlobs().SelectMany(KeysOf).Take(50).Append(
        """{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}}"""u8.ToArray());

    public static IEnumerable<byte[]> MapSeeds() =>
    [
        """{"repositories":{"anvil":{"root":"anvil.root.json","mirrors":["https://updates.anvil.example/"]},"reviewers":{"root":"r.json","mirrors":["https://r.example/"]}},"mapping":[{"paths":["anvil/*"],"repositories":["anvil","reviewers"],"threshold":2,"terminating":true},{"paths":["*"],"repositories":["reviewers"]}]}"""u8.ToArray(),
    ];

    public static void Metadata(ReadOnlySpan<byte> input) => Measure(input, static bytes =>
    {
        foreach (var role in new[] { "root", "timestamp", "snapshot", "targets", "takeover", "rotate" }) Decode(bytes, role);
        try
        {
            var once = CanonicalJson.Encode(bytes);
            // Raw control characters are legal in canonical JSON and in no other, so such a text cannot be read again.
            if (once.All(b => b >= 0x20) && !CanonicalJson.Encode(once).AsSpan().SequenceEqual(once)) throw new InvalidDataException("the canonical form of a canonical form differs");
        }
        catch (FormatException)
        {
        }
    });

    public static void Keys(ReadOnlySpan<byte> input) => Measure(input, static bytes =>
    {
        try
        {
            using var json = JsonDocument.Parse(bytes);
            var key = PublicKey.Parse(json.RootElement);
            if (key.Verifies(bytes, new byte[64]) || key.Verifies(bytes, bytes)) throw new InvalidDataException("a made-up signature holds");
        }
        catch (Exception refused) when (refused is JsonException or InvalidOperationException)
        {
        }
    });

    public static void Map(ReadOnlySpan<byte> input) => Measure(input, static bytes =>
    {
        try
        {
            var map = RepositoryMap.Parse(bytes);
            foreach (var rule in map.Rules) PathPattern.Matches(string.Concat(rule.Paths), "anvil/dvr4/fw.swu");
        }
        catch (FormatException)
        {
        }
    });

    private static void Decode(byte[] bytes, string role)
    {
        if (SignedFile.TryRead(bytes, role, Limits, out var file) is not null) return;

        try
        {
            switch (role)
            {
                case "root": _ = new Root(file, Limits).Roles["root"].Verify(file, role, out _); break;
                case "timestamp": _ = new Timestamp(file, Limits); break;
                case "snapshot": _ = new Snapshot(file, Limits); break;
                case "takeover": _ = new TakeoverStatement(file, Limits); break;
                case "rotate": _ = new Rotation(file, "role", "", Limits); break;
                default: LookUp(new Gatehouse.Trust.Metadata.Targets(file, role, Limits)); break;
            }
        }
        catch (Exception refused) when (refused is JsonException or InvalidOperationException or FormatException or WrongTypeException)
        {
        }
    }

    private static void LookUp(Gatehouse.Trust.Metadata.Targets targets)
    {
        targets.Find("target_file.txt");
        for (var i = 0; i < Math.Min(targets.Count, 16); i++)
        {
            if (targets.Find(targets.EntryAt(i).Path) is null) throw new InvalidDataException("a listed target is not found by its own name");
        }

        foreach (var delegation in targets.Delegations.For("a/b").Take(16)) delegation.Covers("a/b", new string('0', 64));
    }

    private static void Measure(ReadOnlySpan<byte> input, Action<byte[]> run)
    {
        var bytes = input.ToArray();
        var before = GC.GetAllocatedBytesForCurrentThread();
        run(bytes);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > MaxAllocated) throw new InvalidDataException($"{allocated} bytes allocated");
    }

    private static IEnumerable<byte[]> KeysOf(byte[] blob)
    {
        using var json = JsonDocument.Parse(blob);
        if (!json.RootElement.TryGetProperty("signed", out var signed) || !signed.TryGetProperty("keys", out var keys)) return [];

        return keys.EnumerateObject().Select(k => Encoding.UTF8.GetBytes(k.Value.GetRawText())).ToList();
    }

    /// <summary>Every different metadata file of the recorded conformance scenarios, where they are there.</summary>
    private static List<byte[]> RecordedBlobs()
    {
        var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var data = Path.Combine(folder, "shared", "data", "tuf-vectors");
            if (!Directory.Exists(data)) continue;

            foreach (var file in Directory.EnumerateFiles(data, "*.json").Order(StringComparer.Ordinal).Where((_, i) => i % 5 == 0))
            {
                using var json = JsonDocument.Parse(File.ReadAllBytes(file));
                foreach (var blob in json.RootElement.GetProperty("blobs").EnumerateObject())
                {
                    if (blob.Value.GetBytesFromBase64() is [(byte)'{', ..] bytes) found[blob.Name] = bytes;
                }
            }
        }

        return [.. found.Values];
    }
}
