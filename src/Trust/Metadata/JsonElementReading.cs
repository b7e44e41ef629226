using System.Globalization;
using System.Text.Json;

namespace Gatehouse.Trust.Metadata;

/// <summary>Typed reads that say what is wrong. All throw <see cref="JsonException"/>, which the decoders turn into a refusal.</summary>
internal static class JsonElementReading
{
    private static readonly string[] DateFormats = ["yyyy-MM-dd'T'HH:mm:ss'Z'"];

    public static JsonElement GetRequired(this JsonElement element, string name)
    {
        if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)) return value;

        throw new JsonException($"\"{name}\" is missing");
    }

    public static string GetText(this JsonElement element) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : throw new JsonException("a text was expected");

    public static JsonElement.ObjectEnumerator GetMembers(this JsonElement element) =>
        element.ValueKind == JsonValueKind.Object ? element.EnumerateObject() : throw new JsonException("an object was expected");

    public static JsonElement.ArrayEnumerator GetItems(this JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw new JsonException("a list was expected");

    public static bool GetFlag(this JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new JsonException("true or false was expected"),
    };

    public static long GetInteger(this JsonElement element, string name, long atLeast) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out var number) && number >= atLeast
            ? number
            : throw new JsonException($"\"{name}\" is not an integer of at least {atLeast}");

    /// <summary>A date as the specification writes it (4.2.1): UTC, to the second.</summary>
    public static DateTimeOffset GetDate(this JsonElement element) =>
        DateTimeOffset.TryParseExact(
            element.GetText(), DateFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? date
            : throw new JsonException("a date is not of the form 2030-01-31T00:00:00Z");
}
