using System.Text.Json;

namespace Gatehouse.Tests.Trust.Recorded;

/// <summary>One scenario of the public conformance suite, as recorded in shared/data/tuf-vectors.</summary>
internal sealed record RecordedScenario(IReadOnlyDictionary<string, byte[]> Blobs, IReadOnlyList<RecordedStep> Steps)
{
    public static string Folder => SharedData.Find("tuf-vectors");

    public static RecordedScenario Load(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, file)));
        var blobs = json.RootElement.GetProperty("blobs").EnumerateObject().ToDictionary(b => b.Name, b => b.Value.GetBytesFromBase64());
        return new RecordedScenario(blobs, json.RootElement.GetProperty("steps").EnumerateArray().Select(RecordedStep.Parse).ToList());
    }
}

internal sealed record RecordedStep(
    string Op, DateTimeOffset Now, string? Root, IReadOnlyDictionary<string, string> Serves, IReadOnlyList<string> Targets, int Exit,
    IReadOnlyDictionary<string, string> Trusted, IReadOnlyList<string> Downloaded, IReadOnlyList<string> Requests, IReadOnlyList<string> ArtifactRequests)
{
    public static RecordedStep Parse(JsonElement step) => new(
        step.GetProperty("op").GetString()!,
        step.GetProperty("now").GetDateTimeOffset(),
        step.TryGetProperty("root", out var root) ? root.GetString() : null,
        step.GetProperty("serves").EnumerateObject().ToDictionary(s => s.Name, s => s.Value.GetString()!),
        step.TryGetProperty("targets", out var targets) ? Texts(targets) : [],
        step.GetProperty("exit").GetInt32(),
        step.GetProperty("trusted").EnumerateObject().ToDictionary(t => t.Name, t => t.Value.GetProperty("sha256").GetString()!),
        Texts(step.GetProperty("downloaded")),
        step.GetProperty("requests").EnumerateArray().Select(r => Request(r[0].GetString()!, r[1])).ToList(),
        step.GetProperty("artifact_requests").EnumerateArray().Select(r => $"{r[0]} {r[1]}").ToList());

    private static List<string> Texts(JsonElement list) => list.EnumerateArray().Select(e => e.GetString()!).ToList();

    // Written as the file name that is asked for.
    private static string Request(string role, JsonElement version) =>
        version.ValueKind == JsonValueKind.Number ? $"{version.GetInt64()}.{role}.json" : $"{role}.json";
}
