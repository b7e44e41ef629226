using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gatehouse.Trust;
using Xunit;

namespace Gatehouse.Tests.Trust;

public sealed class CanonicalJsonTests
{
    public static TheoryData<string, string> Forms => new()
    {
        { "{}", "{}" },
        { " { } ", "{}" },
        { """{"b":1,"a":2}""", """{"a":2,"b":1}""" },
        { """{"a":1 ,"b":2}""", """{"a":1,"b":2}""" },
        { """{"a" :1,"b": 2}""", """{"a":1,"b":2}""" },
        { """{"a":[1, 2,{"d":1,"c":[ ]}]}""", """{"a":[1,2,{"c":[],"d":1}]}""" },
        { """{"a":[ "x","y"]}""", """{"a":["x","y"]}""" },
        { """{"a":["x" ]}""", """{"a":["x"]}""" },
        { """{"a":"\u0041\/\n\t"}""", "{\"a\":\"A/\n\t\"}" },
        { """{"a":"\"\\"}""", """{"a":"\"\\"}""" },
        { """{"a":"\ud83d\ude00ü"}""", """{"a":"😀ü"}""" },
        { """{"a":-0,"b":-12,"c":123456789012345678901234567890}""", """{"a":0,"b":-12,"c":123456789012345678901234567890}""" },
        { """{"a":true,"b":false,"c":null}""", """{"a":true,"b":false,"c":null}""" },
        { """{"z":{"y":{"x":1,"w":2},"v":3},"u":4}""", """{"u":4,"z":{"v":3,"y":{"w":2,"x":1}}}""" },
        { """{"\"":1,"!":2,"#":3}""", """{"!":2,"\"":1,"#":3}""" },
        { """{"\\":1,"[":2,"]":3}""", """{"[":2,"\\":1,"]":3}""" },
        // By code points: U+E000 comes before U+1F600, whose UTF-16 form starts lower.
        { "{\"ü\":1,\"z\":2,\"😀\":3,\"\uE000\":4}", "{\"z\":2,\"ü\":1,\"\uE000\":4,\"😀\":3}" },
        { """{"c":"the largest of them all","b":1,"a":2}""", """{"a":2,"b":1,"c":"the largest of them all"}""" },
        { """{"b":1,"c":2,"a":"the largest of them all"}""", """{"a":"the largest of them all","b":1,"c":2}""" },
        { """{"c":2,"b":"the largest of them all","a":1}""", """{"a":1,"b":"the largest of them all","c":2}""" },
        { """{"aa":1,"a":2,"":3}""", """{"":3,"a":2,"aa":1}""" },
    };

    [Theory, MemberData(nameof(Forms))]
    public void Json_has_one_canonical_form(string json, string canonical)
    {
        var once = CanonicalJson.Encode(Encoding.UTF8.GetBytes(json));

        Assert.Equal(canonical, Encoding.UTF8.GetString(once));
        Assert.Equal(canonical, Encoding.UTF8.GetString(canonical.Contains('\n', StringComparison.Ordinal) ? once : CanonicalJson.Encode(once)));
    }

    public static TheoryData<string, string> Ambiguous => new()
    {
        { "a name twice, side by side", """{"a":1,"b":2,"b":3}""" },
        { "a name twice, apart", """{"b":1,"a":2,"b":3}""" },
        { "a name twice, once escaped", """{"b":1,"\u0062":2}""" },
        { "a name twice, deep", """{"a":[{"x":1,"x":1}]}""" },
        { "a fraction", """{"a":1.0}""" },
        { "an exponent", """{"a":1e3}""" },
        { "half a surrogate", """{"a":"\ud83d"}""" },
        { "something after the end", "{} {}" },
        { "a comma too many", """{"a":1,}""" },
        { "no object", "[]" },
    };

    [Theory, MemberData(nameof(Ambiguous))]
    public void What_two_readers_could_read_differently_has_no_canonical_form(string why, string json) =>
        Assert.True(Record.Exception(() => CanonicalJson.Encode(Encoding.UTF8.GetBytes(json))) is FormatException, why);

    [Fact]
    public void Random_documents_agree_with_an_obvious_slow_writer()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 2000; i++)
        {
            var node = Any(random, 0, forceObject: true);
            var options = new JsonSerializerOptions { WriteIndented = random.Next(2) == 0 };
            var json = Encoding.UTF8.GetBytes(node.ToJsonString(options));

            Assert.True(Slow(node) == Encoding.UTF8.GetString(CanonicalJson.Encode(json)), $"seed {seed}, document {i}: {Encoding.UTF8.GetString(json)}");
        }
    }

    private static JsonNode Any(Random random, int depth, bool forceObject = false)
    {
        var kind = forceObject ? 0 : random.Next(depth > 4 ? 2 : 0, 6);
        switch (kind)
        {
            case 0:
                var members = new JsonObject();
                for (var i = random.Next(6); i > 0; i--) members[Text(random)] = Any(random, depth + 1);
                return members;
            case 1:
                return new JsonArray(Enumerable.Range(0, random.Next(5)).Select(_ => (JsonNode?)Any(random, depth + 1)).ToArray());
            case 2:
                return random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(60);
            default:
                return Text(random);
        }
    }

    private static string Text(Random random)
    {
        const string Letters = "ab\"\\/\n\u0001 üß\u2028é";
        return string.Concat(Enumerable.Range(0, random.Next(5)).Select(_ => random.Next(8) == 0 ? "😀" : Letters[random.Next(Letters.Length)].ToString()));
    }

    private static string Slow(JsonNode? node) => node switch
    {
        JsonObject members => "{" + string.Join(',', members
            .OrderBy(m => Convert.ToHexString(Encoding.UTF8.GetBytes(m.Key)), StringComparer.Ordinal)
            .Select(m => Quote(m.Key) + ":" + Slow(m.Value))) + "}",
        JsonArray items => "[" + string.Join(',', items.Select(Slow)) + "]",
        JsonValue value when value.TryGetValue<string>(out var text) => Quote(text),
        _ => node!.ToJsonString(),
    };

    private static string Quote(string text) => "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
}
