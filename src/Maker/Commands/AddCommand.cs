using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Gatehouse.Maker.Repository;

namespace Gatehouse.Maker.Commands;

/// <summary>Takes an image into the next version of a targets role. It is offered once enough holders have signed and it was published.</summary>
internal static partial class AddCommand
{
    public static Command Create()
    {
        var image = new Argument<string>("IMAGE") { Description = "The image's file." };
        var model = new Option<string>("--model") { Description = "The model it is for, as packs name it.", Required = true };
        var version = new Option<string>("--version") { Description = "Its version, as the device itself shows it.", Required = true };
        var kind = new Option<string>("--kind") { Description = "security or feature.", DefaultValueFactory = _ => "security" };
        kind.AcceptOnlyFromAmong("security", "feature");
        var fixes = new Option<string[]>("--fixes") { Description = "Weaknesses it closes (CVE-2026-1234).", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        var hardware = new Option<string[]>("--hardware") { Description = "Hardware revisions it runs on.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        var fromVersion = new Option<string?>("--from-version") { Description = "The oldest version that can be updated to it directly." };
        var supportUntil = new Option<string?>("--support-until") { Description = "Until when the maker promises security updates (2031-01-01)." };
        var sbom = new Option<string?>("--sbom") { Description = "Its bill of materials; becomes a target of its own beside the image." };
        var path = new Option<string?>("--path") { Description = "The target's path; MODEL/VERSION/FILE where not given." };
        var role = new Option<string>("--role") { Description = "The targets role that speaks for it.", DefaultValueFactory = _ => "targets" };
        var command = new Command("add", "Take an image into the next release.") { image, model, version, kind, fixes, hardware, fromVersion, supportUntil, sbom, path, role };
        command.Run((parsed, output) => Add(
            parsed.OpenRepository(),
            new Release(
                parsed.GetValue(image)!, parsed.GetValue(model)!, parsed.GetValue(version)!, parsed.GetValue(kind)!, parsed.GetValue(fixes)!, parsed.GetValue(hardware)!,
                parsed.GetValue(fromVersion), parsed.GetValue(supportUntil), parsed.GetValue(sbom), parsed.GetValue(path), parsed.GetValue(role)!),
            output));
        return command;
    }

    internal sealed record Release(
        string Image, string Model, string Version, string Kind, string[] Fixes, string[] Hardware, string? FromVersion, string? SupportUntil, string? Sbom,
        string? Path, string Role);

    internal static void Add(MakerRepository repository, Release release, Output output, JsonObject? origin = null)
    {
        Check(release);
        var draft = repository.Draft(release.Role);
        var path = release.Path ?? $"{release.Model}/{release.Version}/{Path.GetFileName(release.Image)}";
        var custom = Describe(repository, release);
        if (origin is not null) custom["origin"] = origin;
        if (release.Sbom is { } sbom)
        {
            var sbomPath = $"{path}.sbom{Path.GetExtension(sbom)}";
            AddTarget(repository, draft, sbomPath, sbom, null, keep: true);
            custom["sbom"] = sbomPath;
        }

        var hash = AddTarget(repository, draft, path, release.Image, custom, keep: origin?["redistribution"]?.GetValue<string>() != "hash-and-url");
        draft.Signatures.Clear();
        repository.Stage(release.Role, draft);

        output.Set("target", path);
        output.Set("sha256", hash);
        output.Set("role", release.Role);
        output.Set("version", draft.Version);
        output.Say($"{path} ({hash[..12]}…) is in {release.Role} version {draft.Version}, which now needs signatures: gatehouse-maker sign");
    }

    private static string AddTarget(MakerRepository repository, MetadataDocument draft, string path, string file, JsonObject? custom, bool keep)
    {
        var (length, hash) = keep ? repository.KeepTarget(file, path) : MakerRepository.Measure(file);
        var entry = new JsonObject { ["length"] = length, ["hashes"] = new JsonObject { ["sha256"] = hash } };
        if (custom is not null) entry["custom"] = custom;

        // One path never changes its meaning: a device that kept the old image would otherwise look wrong.
        if (draft.Signed["targets"]![path] is { } old && old["hashes"]!["sha256"]!.GetValue<string>() != hash)
        {
            throw new MakerException($"{path} was added before with other bytes. A new image needs a new version.");
        }

        draft.Signed["targets"]![path] = entry;
        return hash;
    }

    private static JsonObject Describe(MakerRepository repository, Release release)
    {
        var custom = new JsonObject
        {
            ["model"] = release.Model,
            ["version"] = release.Version,
            ["hardware"] = List(release.Hardware),
            ["kind"] = release.Kind,
            ["fixes"] = List(release.Fixes),
            ["released"] = repository.Clock.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        };
        if (release.FromVersion is not null) custom["from-version"] = release.FromVersion;
        if (release.SupportUntil is not null) custom["support-until"] = release.SupportUntil;
        return custom;
    }

    private static void Check(Release release)
    {
        var faults = new List<string>();
        if (!File.Exists(release.Image)) faults.Add($"there is no file {release.Image}");
        if (release.Sbom is { } sbom && !File.Exists(sbom)) faults.Add($"there is no file {sbom}");
        if (!ModelName().IsMatch(release.Model)) faults.Add($"--model {release.Model} is not like anvil-dvr4 (letters, digits, - _ .)");
        if (!VersionText().IsMatch(release.Version)) faults.Add($"--version {release.Version} is not like 1.5.0");
        if (release.FromVersion is { } from && !VersionText().IsMatch(from)) faults.Add($"--from-version {from} is not like 1.5.0");
        faults.AddRange(release.Fixes.Where(f => !CveName().IsMatch(f)).Select(f => $"--fixes {f} is not like CVE-2026-1234"));
        if (release.SupportUntil is { } until && !DateOnly.TryParseExact(until, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _))
        {
            faults.Add($"--support-until {until} is not a date like 2031-01-01");
        }

        if (release.Path is { } path && path.Split('/').Any(s => s is "" or "." or "..")) faults.Add($"--path {path} starts with a slash or climbs");
        if (faults.Count > 0) throw new MakerException("This cannot be added: " + string.Join("; ", faults) + ".");
    }

    private static JsonArray List(string[] texts) => new(texts.Select(t => (JsonNode)t).ToArray());

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    private static partial Regex ModelName();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9_.+~-]{0,63}$")]
    private static partial Regex VersionText();

    [GeneratedRegex(@"^(CVE-\d{4}-\d{4,}|GHSA(-[a-z0-9]{4}){3})$")]
    private static partial Regex CveName();
}
