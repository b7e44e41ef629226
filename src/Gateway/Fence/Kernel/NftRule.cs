using System.Net;
using System.Text.Json;

namespace Gatehouse.Fence.Kernel;

/// <summary>One rule's expressions, left to right: matches first, a verdict last. Reads like <c>nft list</c> prints it.</summary>
internal readonly struct NftRule(Utf8JsonWriter json)
{
    public NftRule From(string interfaceName) => Match("==", json => Meta(json, "iifname"), json => json.WriteStringValue(interfaceName));

    public NftRule To(string interfaceName) => Match("==", json => Meta(json, "oifname"), json => json.WriteStringValue(interfaceName));

    public NftRule FromIn(NftSet interfaces) => Match("==", json => Meta(json, "iifname"), In(interfaces));

    public NftRule FromNotIn(NftSet interfaces) => Match("!=", json => Meta(json, "iifname"), In(interfaces));

    public NftRule ToIn(NftSet interfaces) => Match("==", json => Meta(json, "oifname"), In(interfaces));

    public NftRule ToNotIn(NftSet interfaces) => Match("!=", json => Meta(json, "oifname"), In(interfaces));

    public NftRule Mac(NftSet macs) => Match("==", SourceMac, In(macs));

    public NftRule MacNot(NftSet macs) => Match("!=", SourceMac, In(macs));

    /// <summary>The source address is not one that belongs to the source MAC. Matches IPv4 only.</summary>
    public NftRule SourceNotOwn(NftSet bindings) => Match("!=", json => json.WriteConcatenation(json =>
    {
        SourceMac(json);
        Payload(json, "ip", "saddr");
    }), In(bindings));

    public NftRule Source(IPAddress address) => Match("==", json => Payload(json, "ip", "saddr"), json => json.WriteAddress(address));

    public NftRule Source(IPNetwork prefix) => Match("==", json => Payload(json, "ip", "saddr"), json => json.WritePrefix(prefix));

    public NftRule SourceNotIn(NftSet addresses) => Match("!=", json => Payload(json, "ip", "saddr"), In(addresses));

    public NftRule Destination(NftSet addresses) => Match("==", json => Payload(json, "ip", "daddr"), In(addresses));

    public NftRule Destination(IPAddress address) => Match("==", json => Payload(json, "ip", "daddr"), json => json.WriteAddress(address));

    public NftRule DestinationNot(IPNetwork prefix) => Match("!=", json => Payload(json, "ip", "daddr"), json => json.WritePrefix(prefix));

    /// <summary>Not addressed to this machine itself.</summary>
    public NftRule NotForUs() => Match("!=", DestinationType, json => json.WriteStringValue("local"));

    /// <summary>Addressed to this machine, or to all.</summary>
    public NftRule ForUs() => Match("==", DestinationType, json => WriteOneOrMany(json, ["local", "broadcast"]));

    public NftRule Protocol(params string[] protocols) => Match("==", json => Meta(json, "l4proto"), json => WriteOneOrMany(json, protocols));

    public NftRule Port(ushort port) => Match("==", json => Payload(json, "th", "dport"), json => json.WriteNumberValue(port));

    public NftRule Udp(ushort port) => Match("==", json => Payload(json, "udp", "dport"), json => json.WriteNumberValue(port));

    public NftRule UdpFrom(ushort port) => Match("==", json => Payload(json, "udp", "sport"), json => json.WriteNumberValue(port));

    public NftRule Tcp(ushort port) => Match("==", json => Payload(json, "tcp", "dport"), json => json.WriteNumberValue(port));

    public NftRule Ping() => Match("==", json => Payload(json, "icmp", "type"), json => json.WriteStringValue("echo-request"));

    public NftRule State(params string[] states) => Match("in", json => Ct(json, "state"), json =>
    {
        json.WriteStartArray();
        foreach (var state in states) json.WriteStringValue(state);
        json.WriteEndArray();
    });

    /// <summary>The connection's destination was translated.</summary>
    public NftRule Translated() => Match("in", json => Ct(json, "status"), json => json.WriteStringValue("dnat"));

    /// <summary>The packet goes the way of the one that opened the connection.</summary>
    public NftRule OriginalDirection() => Match("==", json => Ct(json, "direction"), json => json.WriteStringValue("original"));

    /// <summary>Matches where (MAC, destination, protocol, port) is in the map, and gives the connection that permission's mark.</summary>
    public NftRule Granted(NftSet grants) => MarkFrom(grants, json =>
    {
        SourceMac(json);
        Payload(json, "ip", "daddr");
        Meta(json, "l4proto");
        Payload(json, "th", "dport");
    });

    /// <summary>Matches where (destination, protocol, port) is in the map, and gives the connection that forward's mark.</summary>
    public NftRule Forwarded(NftSet forwards) => MarkFrom(forwards, json =>
    {
        Payload(json, "ip", "daddr");
        Meta(json, "l4proto");
        Payload(json, "th", "dport");
    });

    /// <summary>Counts the packet under its source MAC. A full set ends the rule here, so a verdict that must hold stands in a rule of its own.</summary>
    public NftRule Count(NftSet counters) => Update(counters, json =>
    {
        json.WriteStartObject();
        json.WriteNull("counter");
        json.WriteEndObject();
    });

    /// <summary>Matches packets of a source MAC beyond a rate.</summary>
    public NftRule Over(NftSet meters, int perSecond, int burst) => Update(meters, json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("limit");
        json.WriteNumber("rate", perSecond);
        json.WriteNumber("burst", burst);
        json.WriteString("per", "second");
        json.WriteBoolean("inv", true);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    public void Accept() => Verdict("accept");

    public void Drop() => Verdict("drop");

    public void Return() => Verdict("return");

    public void Masquerade() => Verdict("masquerade");

    public void Jump(string chain)
    {
        json.WriteStartObject();
        json.WriteStartObject("jump");
        json.WriteString("target", chain);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Sends the packet to this machine, at <paramref name="port"/>.</summary>
    public void Redirect(ushort port)
    {
        json.WriteStartObject();
        json.WriteStartObject("redirect");
        json.WriteNumber("port", port);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static Action<Utf8JsonWriter> In(NftSet set) => json => json.WriteStringValue("@" + set.Name);

    private static void SourceMac(Utf8JsonWriter json) => Payload(json, "ether", "saddr");

    private static void Payload(Utf8JsonWriter json, string protocol, string field)
    {
        json.WriteStartObject();
        json.WriteStartObject("payload");
        json.WriteString("protocol", protocol);
        json.WriteString("field", field);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Meta(Utf8JsonWriter json, string key) => Keyed(json, "meta", key);

    private static void DestinationType(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartObject("fib");
        json.WriteString("result", "type");
        json.WriteString("flags", "daddr");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Ct(Utf8JsonWriter json, string key) => Keyed(json, "ct", key);

    private static void Keyed(Utf8JsonWriter json, string kind, string key)
    {
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("key", key);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteOneOrMany(Utf8JsonWriter json, string[] values)
    {
        if (values.Length == 1)
        {
            json.WriteStringValue(values[0]);
            return;
        }

        json.WriteStartObject();
        json.WriteStartArray("set");
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private NftRule Match(string operation, Action<Utf8JsonWriter> left, Action<Utf8JsonWriter> right)
    {
        json.WriteStartObject();
        json.WriteStartObject("match");
        json.WriteString("op", operation);
        json.WritePropertyName("left");
        left(json);
        json.WritePropertyName("right");
        right(json);
        json.WriteEndObject();
        json.WriteEndObject();
        return this;
    }

    private NftRule MarkFrom(NftSet map, Action<Utf8JsonWriter> key)
    {
        json.WriteStartObject();
        json.WriteStartObject("mangle");
        json.WritePropertyName("key");
        Ct(json, "mark");
        json.WriteStartObject("value");
        json.WriteStartObject("map");
        json.WritePropertyName("key");
        json.WriteConcatenation(key);
        json.WriteString("data", "@" + map.Name);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        return this;
    }

    private NftRule Update(NftSet set, Action<Utf8JsonWriter> statement)
    {
        json.WriteStartObject();
        json.WriteStartObject("set");
        json.WriteString("op", "update");
        json.WritePropertyName("elem");
        SourceMac(json);
        json.WriteString("set", "@" + set.Name);
        json.WriteStartArray("stmt");
        statement(json);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        return this;
    }

    private void Verdict(string verdict)
    {
        json.WriteStartObject();
        json.WriteNull(verdict);
        json.WriteEndObject();
    }
}
