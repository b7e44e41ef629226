using System.Text.Json;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust.Keeping;

/// <summary>What a client must remember of a takeover for good: who it was, which keys never count again, and below which versions nothing may fall.</summary>
internal sealed record TakeoverMemory(Takeover Takeover, IReadOnlySet<string> RetiredKeys, IReadOnlyDictionary<string, long> Floor)
{
    public static TakeoverMemory? Load(MetadataStore store)
    {
        if (store.LoadTakeoverMemory() is not { } bytes) return null;

        try
        {
            using var json = JsonDocument.Parse(bytes);
            var content = json.RootElement;
            return new TakeoverMemory(
                new Takeover(
                    content.GetRequired("from-root").GetInteger("from-root", 1),
                    content.GetRequired("declared").GetDate(),
                    content.GetRequired("signed-by").GetItems().Select(s => s.GetText()).ToList()),
                content.GetRequired("retired-keys").GetItems().Select(k => k.GetText()).ToHashSet(StringComparer.Ordinal),
                content.GetRequired("floor").GetMembers().ToDictionary(m => m.Name, m => m.Value.GetInteger("floor", 0), StringComparer.Ordinal));
        }
        catch (JsonException bad)
        {
            // Forgetting it silently would let old keys and old versions back in.
            throw new TrustException(TrustReason.Storage, "What is remembered of the takeover is damaged: " + bad.Message, bad);
        }
    }

    public void Keep(MetadataStore store)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            json.WriteNumber("from-root", Takeover.FromRootVersion);
            json.WriteString("declared", Takeover.Declared.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture));
            WriteList(json, "signed-by", Takeover.SignedBy);
            WriteList(json, "retired-keys", RetiredKeys.Order(StringComparer.Ordinal));
            json.WriteStartObject("floor");
            foreach (var (name, version) in Floor.OrderBy(f => f.Key, StringComparer.Ordinal)) json.WriteNumber(name, version);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        store.KeepTakeoverMemory(memory.ToArray());
    }

    private static void WriteList(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
