using System.Text.Json;
using System.Text.Unicode;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust;

/// <summary>Canonical JSON in the OLPC form, over which TUF signs (TUF 1.0.34, 4.2.1): no white space, names in order, only <c>\"</c> and <c>\\</c> escaped, integers only.</summary>
public static class CanonicalJson
{
    /// <summary>The canonical form of one JSON object.</summary>
    /// <exception cref="FormatException">Not one object in UTF-8, a name that comes twice, or a number that is no integer.</exception>
    public static byte[] Encode(ReadOnlyMemory<byte> json)
    {
        try
        {
            if (!Utf8.IsValid(json.Span)) throw new FormatException("It is not UTF-8.");

            var reader = new Utf8JsonReader(json.Span, new JsonReaderOptions { MaxDepth = TrustLimits.Default.JsonDepth });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new FormatException("It is not a JSON object.");

            var scanner = new CanonicalScanner(json.Span, (int)reader.TokenStartIndex, TrustLimits.Default.JsonDepth);
            scanner.Scan(ref reader, new SignedMap());
            while (reader.Read()) { }
            return scanner.Result(json).ToArray();
        }
        catch (JsonException bad)
        {
            throw new FormatException(bad.Message, bad);
        }
    }
}
