using System.Reflection;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>Whom the IEEE gave a MAC prefix to. The table lies in the program file and is read where it is: looking a name up allocates that name only.</summary>
/// <remarks>Made by <c>packs/oui/build.cs</c>, which describes the layout.</remarks>
public sealed unsafe class MacVendors
{
    private const int PrefixSize = 3;
    private const int NumberSize = 2;
    private const int OffsetSize = 4;

    private readonly byte* _table;
    private readonly int _length;
    private readonly int _prefixes;
    private readonly int _names;

    private MacVendors(UnmanagedMemoryStream table)
    {
        _table = table.PositionPointer;
        _length = checked((int)table.Length);
        var header = new WireReader(Table);
        (_prefixes, _names) = (checked((int)header.ReadUInt32()), checked((int)header.ReadUInt32()));
    }

    /// <summary>The table this program was built with.</summary>
    public static MacVendors BuiltIn { get; } = Open();

    /// <summary>The holder of the address's prefix, or null: unknown, private, or no prefix at all because the address is made up.</summary>
    public string? Find(MacAddress mac)
    {
        if (mac.IsLocallyAdministered || mac.IsGroup) return null;

        var (low, high) = (0, _prefixes - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var prefix = Read(Prefixes + middle * PrefixSize, PrefixSize);
            if (prefix == mac.Oui) return Name((int)Read(Numbers + middle * NumberSize, NumberSize));
            if (prefix < mac.Oui) low = middle + 1;
            else high = middle - 1;
        }

        return null;
    }

    private static MacVendors Open()
    {
        var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("oui.bin");
        return stream is UnmanagedMemoryStream table ? new(table) : throw new InvalidOperationException("The program was built without packs/oui/oui.bin.");
    }

    private static int Prefixes => 8;
    private int Numbers => Prefixes + _prefixes * PrefixSize;
    private int Offsets => Numbers + _prefixes * NumberSize;
    private int Text => Offsets + (_names + 1) * OffsetSize;

    // The resource stays where the program is mapped for as long as the process lives.
    private ReadOnlySpan<byte> Table => new(_table, _length);

    private string? Name(int number)
    {
        var start = (int)Read(Offsets + number * OffsetSize, OffsetSize);
        var end = (int)Read(Offsets + (number + 1) * OffsetSize, OffsetSize);
        var name = System.Text.Encoding.UTF8.GetString(Table[(Text + start)..(Text + end)]);
        return name is "IEEE Registration Authority" or "Private" ? null : name;
    }

    private uint Read(int at, int bytes)
    {
        uint value = 0;
        foreach (var octet in Table.Slice(at, bytes)) value = value << 8 | octet;
        return value;
    }
}
