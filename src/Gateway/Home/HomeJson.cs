using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.Home;

/// <summary>How the record's types are written, on disk and in <c>--json</c>. Source-generated: nothing is found by reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    Converters = [typeof(IPAddressJsonConverter)])]
[JsonSerializable(typeof(Change))]
[JsonSerializable(typeof(Thing))]
[JsonSerializable(typeof(Permission))]
[JsonSerializable(typeof(PortForward))]
[JsonSerializable(typeof(Question))]
[JsonSerializable(typeof(Finding))]
[JsonSerializable(typeof(Offer))]
[JsonSerializable(typeof(UpdateJob))]
[JsonSerializable(typeof(JournalEntry))]
public sealed partial class HomeJson : JsonSerializerContext;

/// <summary>Writes an <see cref="IPAddress"/> as its text.</summary>
internal sealed class IPAddressJsonConverter : JsonConverter<IPAddress>
{
    public override IPAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        IPAddress.TryParse(reader.GetString(), out var address) ? address : throw new JsonException("not an IP address");

    public override void Write(Utf8JsonWriter writer, IPAddress value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
