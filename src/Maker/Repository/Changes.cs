using System.Text.Json.Nodes;

namespace Gatehouse.Maker.Repository;

/// <summary>What a staged document changes against the published one, in lines a holder reads before signing.</summary>
internal static class Changes
{
    public static IReadOnlyList<string> Describe(string role, MetadataDocument? before, MetadataDocument next)
    {
        var lines = new List<string> { $"{role} version {next.Version}, valid until {next.Expires:yyyy-MM-dd}:" };
        if (role == "root") DescribeMembers(lines, "key", before?.Signed["keys"], next.Signed["keys"]);
        DescribeMembers(lines, "succession", Wrap(before), Wrap(next));
        DescribeMembers(lines, "role", before?.Signed["roles"], next.Signed["roles"]);
        DescribeTargets(lines, before?.Signed["targets"], next.Signed["targets"]);
        DescribeMembers(lines, "delegation", ByName(before), ByName(next));
        if (lines.Count == 1) lines.Add("  nothing but a new date");
        return lines;
    }

    private static JsonObject? Wrap(MetadataDocument? document) =>
        document?.Signed["successor"] is { } terms ? new JsonObject { ["terms"] = terms.DeepClone() } : null;

    private static JsonObject? ByName(MetadataDocument? document)
    {
        if (document?.Signed["delegations"]?["roles"] is not JsonArray roles) return null;

        var byName = new JsonObject();
        foreach (var role in roles) byName[role!["name"]!.GetValue<string>()] = role.DeepClone();
        return byName;
    }

    private static void DescribeTargets(List<string> lines, JsonNode? before, JsonNode? after)
    {
        foreach (var (path, entry) in after?.AsObject() ?? [])
        {
            if (before?[path] is { } old && JsonNode.DeepEquals(old, entry)) continue;

            var custom = entry!["custom"];
            var about = custom is null ? "" : $", {custom["kind"]} update to {custom["version"]} for {custom["model"]}, fixes {custom["fixes"]?.ToJsonString()}";
            lines.Add($"  {(before?[path] is null ? "new" : "changed")} target {path}: {entry["length"]} bytes, sha256 {entry["hashes"]?["sha256"]}{about}");
        }

        foreach (var (path, _) in before?.AsObject() ?? [])
        {
            if (after?[path] is null) lines.Add($"  target {path} is taken away");
        }
    }

    private static void DescribeMembers(List<string> lines, string what, JsonNode? before, JsonNode? after)
    {
        foreach (var (name, value) in after?.AsObject() ?? [])
        {
            if (before?[name] is not { } old) lines.Add($"  new {what} {name}: {value!.ToJsonString()}");
            else if (!JsonNode.DeepEquals(old, value)) lines.Add($"  changed {what} {name}: {value!.ToJsonString()} (was {old.ToJsonString()})");
        }

        foreach (var (name, _) in before?.AsObject() ?? [])
        {
            if (after?[name] is null) lines.Add($"  {what} {name} is taken away");
        }
    }
}
