using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Kernel;

/// <summary>Packets and bytes the kernel counted.</summary>
public readonly record struct Tally(long Packets, long Bytes);

/// <summary>Reads what libnftables lists.</summary>
internal static class NftListing
{
    /// <summary>The chains of our table; empty where it is not there.</summary>
    public static ImmutableHashSet<string> Chains(string json)
    {
        using var document = JsonDocument.Parse(json);
        return
        [
            .. from item in document.RootElement.GetProperty("nftables").EnumerateArray()
               where item.TryGetProperty("chain", out var chain)
                     && chain.GetProperty("table").GetString() == NftTransaction.Table && chain.GetProperty("family").GetString() == "inet"
               select item.GetProperty("chain").GetProperty("name").GetString(),
        ];
    }

    /// <summary>The grants with the time they have left, at least a second.</summary>
    public static ImmutableArray<Grant> Grants(string json)
    {
        using var document = JsonDocument.Parse(json);
        var grants = ImmutableArray.CreateBuilder<Grant>();
        foreach (var pair in Elements(document, "map"))
        {
            if (TryReadGrant(pair, out var grant)) grants.Add(grant);
        }

        return grants.DrainToImmutable();
    }

    /// <summary>What a counter set counted per MAC address.</summary>
    public static ImmutableDictionary<MacAddress, Tally> Tallies(string json)
    {
        using var document = JsonDocument.Parse(json);
        var tallies = ImmutableDictionary.CreateBuilder<MacAddress, Tally>();
        foreach (var element in Elements(document, "set"))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty("elem", out var elem)) continue;
            if (!MacAddress.TryParse(elem.GetProperty("val").GetString(), out var mac) || !elem.TryGetProperty("counter", out var counter)) continue;
            tallies[mac] = new(counter.GetProperty("packets").GetInt64(), counter.GetProperty("bytes").GetInt64());
        }

        return tallies.ToImmutable();
    }

    private static IEnumerable<JsonElement> Elements(JsonDocument document, string kind) =>
        from item in document.RootElement.GetProperty("nftables").EnumerateArray()
        where item.TryGetProperty(kind, out var set) && set.TryGetProperty("elem", out _)
        from element in item.GetProperty(kind).GetProperty("elem").EnumerateArray()
        select element;

    // [ {"elem": {"val": {"concat": [mac, address, protocol, port]}, "timeout": …, "expires": …}}, mark ]
    private static bool TryReadGrant(JsonElement pair, out Grant grant)
    {
        grant = default;
        if (pair is not { ValueKind: JsonValueKind.Array } || pair.GetArrayLength() != 2) return false;

        var elem = pair[0].GetProperty("elem");
        var parts = elem.GetProperty("val").GetProperty("concat");
        if (parts.GetArrayLength() != 4 || !MacAddress.TryParse(parts[0].GetString(), out var mac) || !IPAddress.TryParse(parts[1].GetString(), out var address)
            || !TryReadProtocol(parts[2], out var protocol) || !parts[3].TryGetUInt16(out var port) || !pair[1].TryGetUInt32(out var mark)) return false;

        var left = elem.TryGetProperty("expires", out var expires) ? expires.GetInt64() : 1;
        grant = new(new(mac, address, new(protocol, port)), mark, TimeSpan.FromSeconds(Math.Max(1, left)));
        return true;
    }

    private static bool TryReadProtocol(JsonElement value, out TransportProtocol protocol)
    {
        protocol = value.ValueKind switch
        {
            JsonValueKind.Number when value.TryGetByte(out var number) => (TransportProtocol)number,
            JsonValueKind.String => value.GetString() switch { "tcp" => TransportProtocol.Tcp, "udp" => TransportProtocol.Udp, _ => default },
            _ => default,
        };
        return protocol is TransportProtocol.Tcp or TransportProtocol.Udp;
    }
}
