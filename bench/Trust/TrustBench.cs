using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gatehouse.Trust;
using Gatehouse.Trust.Fetching;
using Gatehouse.Trust.Metadata;
using NSec.Cryptography;

namespace Gatehouse.Bench;

/// <summary>What bench/trust measures of src/Trust. Prints one line per measure, with its bar.</summary>
internal static class TrustBench
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    public static async Task<int> RunAsync(string[] args)
    {
        switch (args)
        {
            case ["repository", var folder]: WriteRepository(folder, 10); return 0;
            case ["refresh", var folder]: await RefreshAsync(folder); return 0;
            case ["large", var folder, var form]: Large(folder, form); return 0;
            case ["memory", var folder]: Memory(folder); return 0;
            case ["image", var file]: await ImageAsync(file); return 0;
            default:
                System.Console.Error.WriteLine("usage: gatehouse-bench trust repository|refresh|large|memory|image …  (bench/trust runs them all)");
                return 2;
        }
    }

    /// <summary>Refresh and one look-up with everything cached, per operation, from a fresh object each time, as the peer is measured.</summary>
    private static async Task RefreshAsync(string folder)
    {
        var transport = new MemoryTransport(folder);
        var kept = Path.Combine(folder, "client-dotnet");
        var watch = new Stopwatch();
        var before = TimeSpan.Zero;
        const int WarmUp = 500, Measured = 2000;
        for (var i = 0; i < WarmUp + Measured; i++)
        {
            if (i == WarmUp)
            {
                watch.Start();
                before = Environment.CpuUsage.TotalTime;
            }

            var repository = TufRepository.Open("bench", kept, transport.Root, transport, TimeProvider.System);
            await repository.RefreshAsync(CancellationToken.None);
            if (await repository.FindTargetAsync("target-5", CancellationToken.None) is null) throw new InvalidDataException("not found");
        }

        System.Console.WriteLine($"refresh and look-up, ours: {watch.Elapsed.TotalMicroseconds / Measured:0.0} µs, of processor time {(Environment.CpuUsage.TotalTime - before).TotalMicroseconds / Measured:0.0} µs");
    }

    /// <summary>100,000 entries: verify and look one up, against what must be computed anyway.</summary>
    private static void Large(string folder, string form)
    {
        var (root, timestamp, snapshot, targets) = LargeFiles(folder, form);
        var (ours, floor) = (TimeSpan.MaxValue, TimeSpan.MaxValue);
        for (var i = 0; i < 12; i++)
        {
            GC.Collect();
            ours = Min(ours, Cpu(() => Verify(root, timestamp, snapshot, targets)));
            floor = Min(floor, Floor(targets));
        }

        var read = TimeSpan.MaxValue;
        var signature = TimeSpan.MaxValue;
        for (var i = 0; i < 12; i++)
        {
            SignedFile? file = null;
            read = Min(read, Cpu(() => SignedFile.TryRead(targets, "targets", TrustLimits.Default, out file)));
            using var json = JsonDocument.Parse(SignedPart(root, IndexOf(root, "\"signed\"")));
            var keys = Gatehouse.Trust.Keys.RoleKeys.ParseTable(json.RootElement.GetProperty("keys"), TrustLimits.Default);
            var role = Gatehouse.Trust.Keys.RoleKeys.Parse(json.RootElement.GetProperty("roles").GetProperty("targets"), keys);
            signature = Min(signature, Cpu(() => role.Verify(file!, "targets", out _)));
        }

        System.Console.WriteLine($"  of which reading {read.TotalMilliseconds:0.0} ms, signature {signature.TotalMilliseconds:0.0} ms");
        System.Console.WriteLine($"100,000 targets ({targets.Length / 1e6:0.0} MB, {form}): {ours.TotalMilliseconds:0.0} ms, floor {floor.TotalMilliseconds:0.0} ms, ratio {ours / floor:0.00} (bar 1.5)");
    }

    private static TimeSpan Floor(byte[] targets)
    {
        var start = IndexOf(targets, "\"signed\"");
        var signed = CanonicalJson.Encode(SignedPart(targets, start));
        var sum = Cpu(() => SHA256.HashData(targets));
        sum += Cpu(() => SHA512.HashData(signed));
        sum += Cpu(() =>
        {
            var reader = new Utf8JsonReader(targets);
            while (reader.Read()) { }
        });
        return sum;
    }

    private static ReadOnlyMemory<byte> SignedPart(byte[] file, int name)
    {
        var reader = new Utf8JsonReader(file.AsSpan(name + 8));
        var at = name + 8;
        while (file[at] != (byte)'{') at++;
        reader = new Utf8JsonReader(file.AsSpan(at));
        reader.Read();
        reader.Skip();
        return file.AsMemory(at, (int)reader.BytesConsumed);
    }

    private static int IndexOf(byte[] file, string text) => file.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text));

    private static void Verify(byte[] root, byte[] timestamp, byte[] snapshot, byte[] targets)
    {
        if (TrustedMetadataSet.TryStart(root, Now, TrustLimits.Default, out var set) is { } refused) throw new InvalidDataException(refused.Sentence);

        Demand(set!.UpdateTimestamp(timestamp));
        Demand(set.UpdateSnapshot(snapshot));
        Demand(set.UpdateTargets(targets));
        if (set.TopLevelTargets!.Find("anvil/model-77777/firmware.swu") is null) throw new InvalidDataException("not found");
    }

    /// <summary>Peak of resident memory while one large file is read from disk, verified and looked up in; in a process of its own.</summary>
    private static void Memory(string folder)
    {
        var root = File.ReadAllBytes(Path.Combine(folder, "root.json"));
        var timestamp = File.ReadAllBytes(Path.Combine(folder, "timestamp.json"));
        var snapshot = File.ReadAllBytes(Path.Combine(folder, "snapshot.json"));
        // A small repository first: code that is compiled and libraries that are loaded once are the idle process.
        var small = Sign(new JsonObject { ["anvil/model-77777/firmware.swu"] = new JsonObject { ["hashes"] = new JsonObject { ["sha256"] = new string('a', 64) }, ["length"] = 1 } }, canonical: false);
        Verify(small.Root, small.Timestamp, small.Snapshot, small.Targets);
        var before = PeakBytes();
        var targets = File.ReadAllBytes(Path.Combine(folder, "targets.json"));
        Verify(root, timestamp, snapshot, targets);
        var used = PeakBytes() - before;
        System.Console.WriteLine($"peak memory for {targets.Length / 1e6:0.0} MB: {used / 1e6:0.0} MB over the idle process, {used / (double)targets.Length:0.00} times the file (bar 2.2 times + 16 MB; 1.2 times + 16 MB where canonical)");
    }

    private static async Task ImageAsync(string file)
    {
        var bytes = await File.ReadAllBytesAsync(file);
        var hashes = new JsonObject { ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes)) };
        using var json = JsonDocument.Parse(hashes.ToJsonString());
        var entry = new TargetEntry("image", bytes.Length, FileHashes.Parse(json.RootElement), null);
        var (ours, openssl) = (TimeSpan.MaxValue, TimeSpan.MaxValue);
        for (var i = 0; i < 5; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            using var check = new ImageCheck(entry);
            if (!await check.RunAsync(file, CancellationToken.None)) throw new InvalidDataException("does not match");
            ours = Min(ours, Stopwatch.GetElapsedTime(begin));
            openssl = Min(openssl, Time(() =>
            {
                using var process = Process.Start(new ProcessStartInfo("openssl", ["dgst", "-sha256", file]) { RedirectStandardOutput = true })!;
                process.StandardOutput.ReadToEnd();
                process.WaitForExit();
            }));
        }

        System.Console.WriteLine($"image of {bytes.Length / 1e6:0} MB: {bytes.Length / ours.TotalSeconds / 1e6:0} MB/s, openssl dgst {bytes.Length / openssl.TotalSeconds / 1e6:0} MB/s, ratio {openssl / ours:0.00} (bar 0.95)");
    }

    private static (byte[] Root, byte[] Timestamp, byte[] Snapshot, byte[] Targets) LargeFiles(string folder, string form)
    {
        var targets = new JsonObject();
        for (var i = 0; i < 100_000; i++)
        {
            targets[$"anvil/model-{i:00000}/firmware.swu"] = new JsonObject
            {
                ["custom"] = new JsonObject { ["kind"] = "security", ["model"] = $"model-{i}", ["version"] = "1.5.0" },
                ["hashes"] = new JsonObject { ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(BitConverter.GetBytes(i))) }, ["length"] = 1000 + i,
            };
        }

        Directory.CreateDirectory(folder);
        var files = Sign(targets, form == "canonical");
        File.WriteAllBytes(Path.Combine(folder, "root.json"), files.Root);
        File.WriteAllBytes(Path.Combine(folder, "timestamp.json"), files.Timestamp);
        File.WriteAllBytes(Path.Combine(folder, "snapshot.json"), files.Snapshot);
        File.WriteAllBytes(Path.Combine(folder, "targets.json"), files.Targets);
        return files;
    }

    private static void WriteRepository(string folder, int count)
    {
        var targets = new JsonObject();
        for (var i = 0; i < count; i++)
        {
            targets[$"target-{i}"] = new JsonObject { ["hashes"] = new JsonObject { ["sha256"] = new string('a', 64) }, ["length"] = i };
        }

        var files = Sign(targets, canonical: true);
        Directory.CreateDirectory(Path.Combine(folder, "metadata"));
        foreach (var (name, bytes) in new[] { ("1.root.json", files.Root), ("timestamp.json", files.Timestamp), ("1.snapshot.json", files.Snapshot), ("1.targets.json", files.Targets) })
        {
            File.WriteAllBytes(Path.Combine(folder, "metadata", name), bytes);
        }
    }

    private static (byte[] Root, byte[] Timestamp, byte[] Snapshot, byte[] Targets) Sign(JsonObject targets, bool canonical)
    {
        using var key = Key.Create(SignatureAlgorithm.Ed25519);
        var publicKey = Convert.ToHexStringLower(key.PublicKey.Export(KeyBlobFormat.RawPublicKey));
        var roles = new JsonObject();
        foreach (var role in new[] { "root", "timestamp", "snapshot", "targets" }) roles[role] = new JsonObject { ["keyids"] = new JsonArray("k"), ["threshold"] = 1 };
        var keys = new JsonObject { ["k"] = new JsonObject { ["keytype"] = "ed25519", ["scheme"] = "ed25519", ["keyval"] = new JsonObject { ["public"] = publicKey } } };
        var root = File("root", new() { ["consistent_snapshot"] = true, ["keys"] = keys, ["roles"] = roles }, true);
        var targetsFile = File("targets", new() { ["targets"] = targets }, canonical);
        var snapshot = File("snapshot", new() { ["meta"] = new JsonObject { ["targets.json"] = Meta(targetsFile) } }, true);
        var timestamp = File("timestamp", new() { ["meta"] = new JsonObject { ["snapshot.json"] = Meta(snapshot) } }, true);
        return (root, timestamp, snapshot, targetsFile);

        byte[] File(string type, JsonObject document, bool asCanonical)
        {
            document["_type"] = type;
            document["spec_version"] = "1.0.31";
            document["version"] = 1;
            document["expires"] = Now.AddDays(30).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
            var signature = SignatureAlgorithm.Ed25519.Sign(key, CanonicalJson.Encode(Encoding.UTF8.GetBytes(document.ToJsonString())));
            var file = new JsonObject { ["signatures"] = new JsonArray(new JsonObject { ["keyid"] = "k", ["sig"] = Convert.ToHexStringLower(signature) }), ["signed"] = document };
            return asCanonical
                ? CanonicalJson.Encode(Encoding.UTF8.GetBytes(file.ToJsonString()))
                : Encoding.UTF8.GetBytes(JsonNode.Parse(CanonicalJson.Encode(Encoding.UTF8.GetBytes(file.ToJsonString())))!.ToJsonString(new JsonSerializerOptions { WriteIndented = true, IndentSize = 1 }));
        }

        static JsonObject Meta(byte[] file) => new()
        {
            ["version"] = 1, ["length"] = file.Length, ["hashes"] = new JsonObject { ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(file)) },
        };
    }

    private static void Demand(Verdict verdict)
    {
        if (verdict.Outcome != Outcome.Trusted) throw new InvalidDataException(verdict.Refusal?.Sentence);
    }

    private static TimeSpan Time(Action action)
    {
        var begin = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(begin);
    }

    /// <summary>Processor time: on a machine that others use too, the clock on the wall measures them.</summary>
    private static TimeSpan Cpu(Action action)
    {
        var begin = Environment.CpuUsage.TotalTime;
        action();
        return Environment.CpuUsage.TotalTime - begin;
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static long PeakBytes() => long.Parse(
        File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
        System.Globalization.CultureInfo.InvariantCulture) * 1024;

    private sealed class MemoryTransport : ITransport
    {
        private readonly Dictionary<string, byte[]> _files;

        public MemoryTransport(string folder) => _files = Directory.EnumerateFiles(Path.Combine(folder, "metadata")).ToDictionary(f => Path.GetFileName(f), File.ReadAllBytes, StringComparer.Ordinal);

        public byte[] Root => _files["1.root.json"];

        public Task<Stream?> OpenMetadataAsync(string fileName, CancellationToken cancellationToken) =>
            Task.FromResult<Stream?>(_files.TryGetValue(fileName, out var bytes) ? new MemoryStream(bytes, writable: false) : null);

        public Task<Stream?> OpenTargetAsync(string path, CancellationToken cancellationToken) => Task.FromResult<Stream?>(null);
    }
}
