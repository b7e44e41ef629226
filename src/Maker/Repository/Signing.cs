using System.Text.Json.Nodes;

namespace Gatehouse.Maker.Repository;

/// <summary>Who may sign what, and whether enough did.</summary>
internal static class Signing
{
    /// <summary>The sets of keys that must each reach their threshold on a staged document: two for a root (TUF 1.0.34, 5.3.4), one for others.</summary>
    public static IReadOnlyList<RoleRule> RulesFor(MakerRepository repository, string role, MetadataDocument document)
    {
        if (role == "root")
        {
            var rules = new List<RoleRule> { RoleRule.Of(document, "root") };
            // A successor's first root is not signed by the maker, who is gone: its right is the takeover statement.
            if (repository.Root() is { } old && document.Version != repository.Settings.FollowsRoot + 1) rules.Add(RoleRule.Of(old, "root"));
            return rules;
        }

        if (Root(repository)["roles"]![role] is not null) return [RoleRule.Of(repository.DecidingRoot(), role)];

        return [RoleRule.OfDelegation(repository, role)];
    }

    public static bool IsComplete(MakerRepository repository, string role, MetadataDocument document) =>
        RulesFor(repository, role, document).All(rule => rule.Missing(document) == 0);

    private static JsonObject Root(MakerRepository repository) => repository.DecidingRoot().Signed;
}

/// <summary>The keys of one role and how many of them must sign.</summary>
internal sealed record RoleRule(IReadOnlyList<string> KeyIds, int Threshold)
{
    public static RoleRule Of(MetadataDocument root, string role)
    {
        var rule = root.Signed["roles"]![role]!;
        return Parse(rule);
    }

    public static RoleRule OfDelegation(MakerRepository repository, string role)
    {
        var names = new Queue<string>(["targets"]);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (names.TryDequeue(out var name))
        {
            if (!seen.Add(name)) continue;

            var document = repository.Staged(name) ?? repository.Targets(name);
            foreach (var delegation in document?.Signed["delegations"]?["roles"]?.AsArray() ?? [])
            {
                var child = delegation!["name"]!.GetValue<string>();
                if (child == role) return Parse(delegation);

                names.Enqueue(child);
            }
        }

        throw new MakerException($"Nobody delegates to {role}.");
    }

    public int Missing(MetadataDocument document) => Math.Max(0, Threshold - document.SignedBy().Distinct().Count(id => KeyIds.Contains(id)));

    public JsonObject ToJson() => new() { ["keyids"] = new JsonArray(KeyIds.Select(k => (JsonNode)k).ToArray()), ["threshold"] = Threshold };

    public static RoleRule Parse(JsonNode rule) =>
        new(rule["keyids"]!.AsArray().Select(k => k!.GetValue<string>()).ToList(), rule["threshold"]!.GetValue<int>());
}
