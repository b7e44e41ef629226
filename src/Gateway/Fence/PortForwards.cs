using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Gatehouse.Fence.Kernel;
using Gatehouse.Home;

namespace Gatehouse.Fence;

/// <summary>A translation rule that leads from a port of this machine to a device.</summary>
public readonly record struct FoundForward(TransportProtocol Protocol, ushort WanPort, IPAddress Address, ushort ThingPort);

/// <summary>Finds the ways in from the Internet that others' rules on this machine open (destination NAT in nftables).</summary>
internal static class PortForwards
{
    /// <summary>Ways in that are read; a rule set with more is not a home's.</summary>
    public const int MaxForwards = 256;

    /// <summary>Reads a listing of the whole rule set. <paramref name="unreadable"/> counts rules that translate in a way not read here (iptables extensions, maps).</summary>
    public static ImmutableArray<FoundForward> Read(string rulesetJson, out int unreadable)
    {
        unreadable = 0;
        using var document = JsonDocument.Parse(rulesetJson);
        var found = ImmutableArray.CreateBuilder<FoundForward>();
        foreach (var item in document.RootElement.GetProperty("nftables").EnumerateArray())
        {
            if (!item.TryGetProperty("rule", out var rule) || IsOurs(rule) || !rule.TryGetProperty("expr", out var expressions)) continue;

            var translation = Translation(expressions, out var isForeign);
            if (isForeign) unreadable++;
            if (translation is not { } dnat) continue;

            var forwards = ReadRule(expressions, dnat);
            if (forwards.Count == 0) unreadable++;
            found.AddRange(forwards);
        }

        return [.. found.Distinct().Take(MaxForwards)];
    }

    private static bool IsOurs(JsonElement rule) =>
        rule.GetProperty("family").GetString() == "inet" && rule.GetProperty("table").GetString() == NftTransaction.Table;

    // iptables' own DNAT target shows as {"xt": {"type": "target", "name": "DNAT"}}, without what it says.
    private static JsonElement? Translation(JsonElement expressions, out bool isForeign)
    {
        isForeign = false;
        foreach (var expression in expressions.EnumerateArray())
        {
            if (expression.TryGetProperty("dnat", out var dnat)) return dnat;
            if (expression.TryGetProperty("xt", out var xt)) isForeign |= xt.ValueKind == JsonValueKind.Object && xt.TryGetProperty("name", out var name) && name.GetString() == "DNAT";
        }

        return null;
    }

    private static List<FoundForward> ReadRule(JsonElement expressions, JsonElement dnat)
    {
        var forwards = new List<FoundForward>();
        if (dnat.ValueKind != JsonValueKind.Object || !dnat.TryGetProperty("addr", out var to) || to.ValueKind != JsonValueKind.String
            || !IPAddress.TryParse(to.GetString(), out var address) || address.AddressFamily != AddressFamily.InterNetwork) return forwards;

        ushort? toPort = dnat.TryGetProperty("port", out var port) && port.ValueKind == JsonValueKind.Number && port.TryGetUInt16(out var number) ? number : null;
        foreach (var (protocol, wanPort) in Ports(expressions))
        {
            if (forwards.Count < MaxForwards) forwards.Add(new(protocol, wanPort, address, toPort ?? wanPort));
        }

        return forwards;
    }

    private static IEnumerable<(TransportProtocol Protocol, ushort Port)> Ports(JsonElement expressions)
    {
        var stated = expressions.EnumerateArray().Select(StatedProtocol).FirstOrDefault(protocol => protocol is not null);
        foreach (var expression in expressions.EnumerateArray())
        {
            if (!TryReadPayloadMatch(expression, out var protocolName, out var right)) continue;
            var protocol = Protocol(protocolName) ?? stated;
            foreach (var port in Numbers(right))
            {
                if (protocol is { } known) yield return (known, port);
            }
        }
    }

    private static bool TryReadPayloadMatch(JsonElement expression, out string? protocol, out JsonElement right)
    {
        (protocol, right) = (null, default);
        if (!expression.TryGetProperty("match", out var match) || match.GetProperty("op").GetString() is not ("==" or "in")
            || match.GetProperty("left") is not { ValueKind: JsonValueKind.Object } left || !left.TryGetProperty("payload", out var payload)
            || !payload.TryGetProperty("field", out var field) || field.GetString() != "dport") return false;
        protocol = payload.GetProperty("protocol").GetString();
        right = match.GetProperty("right");
        return true;
    }

    private static TransportProtocol? StatedProtocol(JsonElement expression) =>
        expression.TryGetProperty("match", out var match) && match.GetProperty("left") is { ValueKind: JsonValueKind.Object } left
        && left.TryGetProperty("meta", out var meta) && meta.GetProperty("key").GetString() == "l4proto"
        && match.GetProperty("right") is { ValueKind: JsonValueKind.String or JsonValueKind.Number } right
            ? Protocol(right.ToString()) : null;

    private static TransportProtocol? Protocol(string? name) => name switch
    {
        "tcp" or "6" => TransportProtocol.Tcp,
        "udp" or "17" => TransportProtocol.Udp,
        _ => null,
    };

    // A number, {"set": [ … ]} or {"range": [from, to]}.
    private static IEnumerable<ushort> Numbers(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number) return value.TryGetUInt16(out var port) ? [port] : [];
        if (value.ValueKind != JsonValueKind.Object) return [];
        if (value.TryGetProperty("set", out var set) && set.ValueKind == JsonValueKind.Array) return set.EnumerateArray().SelectMany(Numbers).Take(MaxForwards);
        if (!value.TryGetProperty("range", out var range) || range.GetArrayLength() != 2
            || !range[0].TryGetUInt16(out var from) || !range[1].TryGetUInt16(out var to) || to < from) return [];
        return Enumerable.Range(from, Math.Min(to - from + 1, MaxForwards)).Select(number => (ushort)number);
    }
}
