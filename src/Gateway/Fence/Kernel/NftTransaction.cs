using System.Buffers;
using System.Net;
using System.Text.Json;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Kernel;

/// <summary>Commands for libnftables that are applied together. Written from typed values only, as JSON (libnftables-json(5)).</summary>
public sealed class NftTransaction : IDisposable
{
    /// <summary>The one table that is ours.</summary>
    public const string Table = "gatehouse";

    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly Utf8JsonWriter _json;
    private bool _isClosed;

    public NftTransaction()
    {
        _json = new Utf8JsonWriter(_buffer);
        _json.WriteStartObject();
        _json.WriteStartArray("nftables");
    }

    /// <summary>How many commands there are.</summary>
    public int Count { get; private set; }

    /// <summary>The JSON document.</summary>
    public ReadOnlySpan<byte> Json
    {
        get
        {
            Close();
            return _buffer.WrittenSpan;
        }
    }

    public void Dispose() => _json.Dispose();

    /// <summary>The JSON with the zero the library wants behind it.</summary>
    internal byte[] ToCommand() => [.. Json, 0];

    internal void AddTable() => Command("add", "table", json => json.WriteString("name", Table), inTable: false);

    /// <summary>Deletes the table; it must be there (this release of the library knows no "destroy": add it first).</summary>
    internal void DeleteTable() => Command("delete", "table", json => json.WriteString("name", Table), inTable: false);

    /// <summary>Adds a set or a map, unless it is there.</summary>
    internal void AddSet(NftSet set) => Command("add", set.MapTo is null ? "set" : "map", set.Write);

    internal void AddChain(string name) => Command("add", "chain", json => json.WriteString("name", name));

    internal void AddBaseChain(string name, string type, string hook, int priority) => Command("add", "chain", json =>
    {
        json.WriteString("name", name);
        json.WriteString("type", type);
        json.WriteString("hook", hook);
        json.WriteNumber("prio", priority);
        json.WriteString("policy", "accept");
    });

    internal void FlushChain(string name) => Command("flush", "chain", json => json.WriteString("name", name));

    internal void FlushSet(NftSet set) => Command("flush", set.MapTo is null ? "set" : "map", json => json.WriteString("name", set.Name));

    internal void AddRule(string chain, Action<NftRule> build) => Command("add", "rule", json =>
    {
        json.WriteString("chain", chain);
        json.WriteStartArray("expr");
        build(new NftRule(json));
        json.WriteEndArray();
    });

    /// <summary>Adds elements, each written by <paramref name="write"/>; nothing where there are none.</summary>
    internal void AddElements<T>(NftSet set, IReadOnlyCollection<T> elements, Action<Utf8JsonWriter, T> write) => Elements("add", set, elements, write);

    internal void DeleteElements<T>(NftSet set, IReadOnlyCollection<T> elements, Action<Utf8JsonWriter, T> write) => Elements("delete", set, elements, write);

    internal void ListSet(NftSet set) => Command("list", set.MapTo is null ? "set" : "map", json => json.WriteString("name", set.Name));

    internal void ListTables() => List("tables");

    internal void ListChains() => List("chains");

    internal void ListRuleset() => List("ruleset");

    private void Elements<T>(string verb, NftSet set, IReadOnlyCollection<T> elements, Action<Utf8JsonWriter, T> write)
    {
        if (elements.Count == 0) return;
        Command(verb, "element", json =>
        {
            json.WriteString("name", set.Name);
            json.WriteStartArray("elem");
            foreach (var element in elements) write(json, element);
            json.WriteEndArray();
        });
    }

    private void List(string what)
    {
        Count++;
        _json.WriteStartObject();
        _json.WriteStartObject("list");
        _json.WriteNull(what);
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private void Command(string verb, string kind, Action<Utf8JsonWriter> write, bool inTable = true)
    {
        Count++;
        _json.WriteStartObject();
        _json.WriteStartObject(verb);
        _json.WriteStartObject(kind);
        _json.WriteString("family", "inet");
        if (inTable) _json.WriteString("table", Table);
        write(_json);
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private void Close()
    {
        if (_isClosed) return;
        _isClosed = true;
        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.Flush();
    }
}

/// <summary>A named set or map of the table.</summary>
internal sealed record NftSet(string Name, params string[] Types)
{
    public string? MapTo { get; init; }
    public string[] Flags { get; init; } = [];
    public int Size { get; init; } = FencePolicy.MaxElements;

    /// <summary>How long an element that a rule puts in stays unless it is seen again, or zero.</summary>
    public TimeSpan Timeout { get; init; }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteString("name", Name);
        if (Types.Length == 1)
        {
            json.WriteString("type", Types[0]);
        }
        else
        {
            json.WriteStartArray("type");
            foreach (var type in Types) json.WriteStringValue(type);
            json.WriteEndArray();
        }

        if (MapTo is not null) json.WriteString("map", MapTo);
        json.WriteNumber("size", Size);
        if (Flags.Length > 0)
        {
            json.WriteStartArray("flags");
            foreach (var flag in Flags) json.WriteStringValue(flag);
            json.WriteEndArray();
        }

        if (Timeout > TimeSpan.Zero) json.WriteNumber("timeout", (long)Timeout.TotalSeconds);
    }
}

/// <summary>Values as libnftables' JSON wants them. Every address is written from an address type.</summary>
internal static class NftValues
{
    public static void WriteMac(this Utf8JsonWriter json, MacAddress mac) => json.WriteStringValue(mac.ToString());

    public static void WriteAddress(this Utf8JsonWriter json, IPAddress address) => json.WriteStringValue(address.ToString());

    public static void WritePrefix(this Utf8JsonWriter json, IPNetwork prefix)
    {
        json.WriteStartObject();
        json.WriteStartObject("prefix");
        json.WriteString("addr", prefix.BaseAddress.ToString());
        json.WriteNumber("len", prefix.PrefixLength);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    public static void WritePort(this Utf8JsonWriter json, TransportPort port)
    {
        json.WriteStringValue(port.Protocol switch
        {
            TransportProtocol.Tcp => "tcp",
            TransportProtocol.Udp => "udp",
            _ => "icmp",
        });
        json.WriteNumberValue(port.Port);
    }

    public static void WriteConcatenation(this Utf8JsonWriter json, Action<Utf8JsonWriter> parts)
    {
        json.WriteStartObject();
        json.WriteStartArray("concat");
        parts(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>A map's element: key and value in one array.</summary>
    public static void WriteMapped(this Utf8JsonWriter json, Action<Utf8JsonWriter> key, uint value)
    {
        json.WriteStartArray();
        key(json);
        json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    public static void WriteTimed(this Utf8JsonWriter json, TimeSpan timeout, Action<Utf8JsonWriter> value)
    {
        json.WriteStartObject();
        json.WriteStartObject("elem");
        json.WritePropertyName("val");
        value(json);
        json.WriteNumber("timeout", Math.Max(1, (long)Math.Ceiling(timeout.TotalSeconds)));
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
