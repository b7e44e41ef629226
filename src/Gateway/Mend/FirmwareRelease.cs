using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Gatehouse.Mend;

/// <summary>A release as a repository's signed metadata describes it: what it is for and what it brings. Made by <see cref="TryRead"/> only.</summary>
public sealed record FirmwareRelease
{
    /// <summary>CVE ids and hardware revisions taken from one release; more are left out.</summary>
    public const int MaxListed = 50;

    private FirmwareRelease()
    {
    }

    /// <summary>The repository's name in the trust map.</summary>
    public required string Repository { get; init; }

    public required string TargetPath { get; init; }
    public required string Sha256 { get; init; }
    public required string Model { get; init; }
    public required FirmwareVersion Version { get; init; }

    /// <summary>Hardware revisions it is for; empty means any.</summary>
    public required ImmutableArray<string> Hardware { get; init; }

    public required bool IsSecurity { get; init; }
    public required ImmutableArray<string> Fixes { get; init; }

    /// <summary>The oldest version it can be installed over, or null.</summary>
    public required FirmwareVersion? FromVersion { get; init; }

    /// <summary>True where it names this model and, if it names hardware, this revision.</summary>
    public bool IsFor(string? model, string? hardware) => Model == model && (Hardware.IsEmpty || (hardware is not null && Hardware.Contains(hardware)));

    /// <summary>Why this release cannot go onto a Thing of <paramref name="model"/> and <paramref name="hardware"/> that runs <paramref name="running"/>, or null when it can.</summary>
    public string? MisfitFor(string model, string? hardware, FirmwareVersion running)
    {
        if (Model != model) return $"it is for the model {Model}, not {model}";
        if (!IsFor(model, hardware)) return $"it is for the hardware {string.Join(", ", Hardware)}, not {hardware ?? "an unknown one"}";
        if (Version <= running) return $"the Thing runs {running}, which is {(Version == running ? "the same" : "newer")}";
        return FromVersion is { } oldest && running < oldest ? $"it can only be installed over {oldest} or later; the Thing runs {running}" : null;
    }

    /// <summary>Reads a target's custom metadata (docs/mend.md). It is signed, so a mistake in it is the maker's; it is named, not guessed at.</summary>
    public static bool TryRead(
        string repository, string targetPath, string? sha256, JsonElement? custom, [NotNullWhen(true)] out FirmwareRelease? release, [NotNullWhen(false)] out string? fault)
    {
        release = null;
        fault = null;
        if (custom is not { ValueKind: JsonValueKind.Object } node) fault = "it has no custom metadata";
        else if (sha256 is not { Length: 64 }) fault = "it has no SHA-256";
        else if (Text(node, "model") is not { } model) fault = "its custom metadata names no model";
        else if (!FirmwareVersion.TryParse(Text(node, "version"), out var version)) fault = "its custom metadata names no version";
        else if (Text(node, "kind") is not ("security" or "feature")) fault = "its kind is neither 'security' nor 'feature'";
        else if (!TryFromVersion(node, out var oldest)) fault = "its from-version is no version";
        else
        {
            release = new()
            {
                Repository = repository, TargetPath = targetPath, Sha256 = sha256.ToLowerInvariant(), Model = model, Version = version,
                Hardware = Texts(node, "hardware"), IsSecurity = Text(node, "kind") == "security", Fixes = Texts(node, "fixes"), FromVersion = oldest,
            };
        }

        return fault is null;
    }

    private static bool TryFromVersion(JsonElement node, out FirmwareVersion? version)
    {
        version = null;
        return !node.TryGetProperty("from-version", out _) || FirmwareVersion.TryParse(Text(node, "from-version"), out version);
    }

    private static string? Text(JsonElement node, string name) =>
        node.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= 100 } text ? text : null;

    private static ImmutableArray<string> Texts(JsonElement node, string name) =>
        node.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!).Where(text => text.Length is > 0 and <= 40).Take(MaxListed)]
            : [];
}
