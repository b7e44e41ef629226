using System.Text.Json.Nodes;
using Gatehouse.Maker.Repository;

namespace Gatehouse.Maker;

/// <summary>What a command says: lines for people, or one JSON object with <c>--json</c>.</summary>
internal sealed class Output(TextWriter writer, bool asJson)
{
    private readonly JsonObject _result = [];

    public bool AsJson => asJson;

    /// <summary>A line for people only.</summary>
    public void Say(string line)
    {
        if (!asJson) writer.WriteLine(line);
    }

    /// <summary>A fact for programs.</summary>
    public void Set(string name, JsonNode? value) => _result[name] = value;

    public void Finish()
    {
        if (asJson) writer.WriteLine(_result.ToJsonString(MakerJson.Indented));
    }
}
