using System.Security.Cryptography;
using Gatehouse.Trust;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gatehouse.Tests.Trust.Recorded;

/// <summary>The recorded scenarios of the public conformance suite, played against <see cref="TufRepository"/> with no network between.</summary>
public sealed class RecordedScenarioTests
{
    /// <summary>Where this client asks for something else than the recorded one, and why that is right. Exits, kept files and artifacts are as recorded everywhere.</summary>
    private static readonly Dictionary<(string Scenario, int Step), string> OtherRequests = new()
    {
        // 5.3.10 comes before 5.4.1: with an expired root the timestamp is not asked for.
        [("test_faketime.json", 2)] = "3.root.json",
        [("test_root_expired.json", 3)] = "3.root.json 4.root.json",
        // 5.3.11: rotated timestamp keys void the kept snapshot too, so it is fetched again.
        [("test_new_timestamp_fast_forward_recovery.json", 2)] = "2.root.json 3.root.json timestamp.json 1.snapshot.json",
    };

    public static TheoryData<string> All => [.. Directory.EnumerateFiles(RecordedScenario.Folder, "*.json").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Fact]
    public void All_107_scenarios_are_there() => Assert.Equal(107, All.Count);

    [Theory, MemberData(nameof(All))]
    public async Task The_client_does_what_was_recorded(string scenario)
    {
        using var folder = new TemporaryFolder();
        var recorded = RecordedScenario.Load(scenario);

        for (var i = 0; i < recorded.Steps.Count; i++)
        {
            var step = recorded.Steps[i];
            var transport = Serve(recorded, step);
            string? why = null;
            try
            {
                await PlayAsync(recorded, step, folder, transport);
            }
            catch (TrustException refused)
            {
                why = $"{refused.Reason}: {refused.Message}";
            }

            var where = $"{scenario}, step {i} ({step.Op})";
            Assert.True(step.Exit == (why is null ? 0 : 1), $"{where}: expected exit {step.Exit}, but the client said: {why ?? "all is well"}");
            AssertSame(step.Trusted, Kept(folder.Below("metadata")), where + ": trusted files");
            Assert.True(step.Downloaded.Order().SequenceEqual(Downloaded(folder.Below("targets")).Order()), where + ": downloaded");
            Assert.Equal(OtherRequests.GetValueOrDefault((scenario, i), string.Join(' ', step.Requests)), string.Join(' ', transport.Requests));
            // An image of which no known hash is signed could never be verified: it is not even fetched.
            var fetched = scenario == "test_download_with_unknown_hash_algorithm.json" ? 0 : step.ArtifactRequests.Count;
            Assert.True(fetched == transport.TargetRequests.Count, where + ": artifacts asked for");
        }
    }

    private static async Task PlayAsync(RecordedScenario recorded, RecordedStep step, TemporaryFolder folder, MemoryTransport transport)
    {
        var metadata = folder.Below("metadata");
        if (step.Op == "init")
        {
            // As the conformance client: the root is taken as it is, and looked at when it is first used.
            Directory.CreateDirectory(metadata);
            await File.WriteAllBytesAsync(Path.Combine(metadata, "root.json"), recorded.Blobs[step.Root!]);
            return;
        }

        var repository = TufRepository.Open("recorded", metadata, null, transport, new FakeTimeProvider(step.Now));
        await repository.RefreshAsync(CancellationToken.None);
        foreach (var name in step.Targets)
        {
            var target = await repository.FindTargetAsync(name, CancellationToken.None) ?? throw new TrustException(TrustReason.NoSuchTarget, name);
            await repository.DownloadAsync(target, folder.Below("targets"), CancellationToken.None);
        }
    }

    private static MemoryTransport Serve(RecordedScenario recorded, RecordedStep step)
    {
        var transport = new MemoryTransport();
        foreach (var (path, blob) in step.Serves)
        {
            var (into, name) = path.StartsWith("metadata/", StringComparison.Ordinal) ? (transport.Metadata, path[9..]) : (transport.Targets, path[8..]);
            into[name] = recorded.Blobs[blob];
        }

        return transport;
    }

    private static Dictionary<string, string> Kept(string folder) =>
        Directory.EnumerateFiles(folder, "*.json").ToDictionary(f => Path.GetFileName(f)!, Hash);

    private static List<string> Downloaded(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder).Select(Hash).ToList() : [];

    private static string Hash(string file) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));

    private static void AssertSame(IReadOnlyDictionary<string, string> expected, Dictionary<string, string> actual, string where) =>
        Assert.True(
            expected.Count == actual.Count && expected.All(e => actual.GetValueOrDefault(e.Key) == e.Value),
            $"{where}: expected {string.Join(' ', expected.Keys)}, found {string.Join(' ', actual.Keys)} (or other bytes)");
}
