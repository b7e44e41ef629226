using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.Wire;

/// <summary>An IEEE 802 MAC-48 address; the low 48 bits of <see cref="Value"/>, first octet highest.</summary>
[JsonConverter(typeof(MacAddressJsonConverter))]
public readonly record struct MacAddress(ulong Value) : IComparable<MacAddress>
{
    /// <summary>Length on the wire, in bytes.</summary>
    public const int Size = 6;

    /// <summary>ff:ff:ff:ff:ff:ff.</summary>
    public static MacAddress Broadcast => new(0xFFFF_FFFF_FFFF);

    /// <summary>Group bit (IEEE 802-2014, 8.2.2): set for multicast and broadcast.</summary>
    public bool IsGroup => (Value >> 40 & 1) != 0;

    /// <summary>Local bit: set for addresses no manufacturer was assigned, as phones make up for privacy.</summary>
    public bool IsLocallyAdministered => (Value >> 40 & 2) != 0;

    /// <summary>The first three octets (OUI), as a number.</summary>
    public uint Oui => (uint)(Value >> 24);

    /// <summary>Reads the first six bytes of <paramref name="bytes"/>; the caller has checked the length.</summary>
    public static MacAddress Read(ReadOnlySpan<byte> bytes) =>
        new((ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32 | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]));

    /// <summary>Writes six bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(Value >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[2..], (uint)(Value & 0xFFFF_FFFF));
    }

    /// <summary>Reads <c>aa:bb:cc:dd:ee:ff</c> or <c>aa-bb-…</c>, any case.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out MacAddress mac)
    {
        mac = default;
        if (text is not { Length: 17 }) return false;

        ulong value = 0;
        for (var i = 0; i < 17; i++)
        {
            if (i % 3 == 2)
            {
                if (text[i] is not (':' or '-')) return false;
                continue;
            }

            if (!char.IsAsciiHexDigit(text[i])) return false;
            value = value << 4 | (uint)Convert.ToInt32(text[i].ToString(), 16);
        }

        mac = new(value);
        return true;
    }

    /// <summary>Reads what <see cref="TryParse"/> reads.</summary>
    /// <exception cref="FormatException">It is not a MAC address.</exception>
    public static MacAddress Parse(string text) =>
        TryParse(text, out var mac) ? mac : throw new FormatException($"'{text}' is not a MAC address (aa:bb:cc:dd:ee:ff).");

    /// <inheritdoc/>
    public int CompareTo(MacAddress other) => Value.CompareTo(other.Value);

    /// <summary><c>aa:bb:cc:dd:ee:ff</c>, lower case.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Value >> 40 & 0xFF:x2}:{Value >> 32 & 0xFF:x2}:{Value >> 24 & 0xFF:x2}:{Value >> 16 & 0xFF:x2}:{Value >> 8 & 0xFF:x2}:{Value & 0xFF:x2}");

    public static bool operator <(MacAddress left, MacAddress right) => left.Value < right.Value;
    public static bool operator >(MacAddress left, MacAddress right) => left.Value > right.Value;
    public static bool operator <=(MacAddress left, MacAddress right) => left.Value <= right.Value;
    public static bool operator >=(MacAddress left, MacAddress right) => left.Value >= right.Value;
}

/// <summary>Writes a <see cref="MacAddress"/> as its text, as a value and as a property name.</summary>
internal sealed class MacAddressJsonConverter : JsonConverter<MacAddress>
{
    public override MacAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        MacAddress.TryParse(reader.GetString(), out var mac) ? mac : throw new JsonException("not a MAC address");

    public override void Write(Utf8JsonWriter writer, MacAddress value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());

    public override MacAddress ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Read(ref reader, typeToConvert, options);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, MacAddress value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value.ToString());
}
