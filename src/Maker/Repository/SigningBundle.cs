using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gatehouse.Maker.Repository;

/// <summary>One staged document with all that a holder needs to judge and sign it: what it replaces, and who must sign.</summary>
internal sealed record SigningItem(string Role, MetadataDocument? Before, MetadataDocument Document, IReadOnlyList<RoleRule> Rules);

/// <summary>Everything that is staged, as one file that people pass around.</summary>
internal sealed record SigningBundle(IReadOnlyList<SigningItem> Items)
{
    public static SigningBundle Of(MakerRepository repository)
    {
        var roles = repository.StagedRoles();
        if (roles.Count == 0) throw new MakerException("Nothing is staged. Take an image in with: gatehouse-maker add");

        return new SigningBundle(roles.Select(role =>
        {
            var document = repository.Staged(role)!;
            var before = repository.Published(role);
            // After an interrupted publish the published one is this very version: then there is nothing to compare with.
            return new SigningItem(role, before?.Version == document.Version ? null : before, document, Signing.RulesFor(repository, role, document));
        }).ToList());
    }

    public static SigningBundle Parse(byte[] bytes, string where)
    {
        try
        {
            return new SigningBundle(JsonNode.Parse(bytes)!["items"]!.AsArray().Select(item => new SigningItem(
                item!["role"]!.GetValue<string>(),
                item["before"] is { } before ? Document(before, where) : null,
                Document(item["document"]!, where),
                item["rules"]!.AsArray().Select(r => RoleRule.Parse(r!)).ToList())).ToList());
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new MakerException($"{where} is not a file to sign: {bad.Message}");
        }
    }

    public byte[] ToBytes()
    {
        var items = new JsonArray();
        foreach (var item in Items)
        {
            items.Add((JsonNode)new JsonObject
            {
                ["role"] = item.Role,
                ["before"] = item.Before is null ? null : JsonNode.Parse(item.Before.ToBytes()),
                ["document"] = JsonNode.Parse(item.Document.ToBytes()),
                ["rules"] = new JsonArray(item.Rules.Select(r => (JsonNode)r.ToJson()).ToArray()),
            });
        }

        return Encoding.UTF8.GetBytes(new JsonObject { ["items"] = items }.ToJsonString(MakerJson.Indented));
    }

    private static MetadataDocument Document(JsonNode node, string where) => MetadataDocument.Parse(Encoding.UTF8.GetBytes(node.ToJsonString()), where);
}
