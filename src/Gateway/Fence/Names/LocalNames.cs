using System.Collections.Frozen;
using System.Net;
using System.Text;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Fence.Names;

/// <summary>The house's own names, for computers: every Thing under <c>home.arpa</c> (RFC 8375), and the way back from its address.</summary>
internal sealed class LocalNames
{
    private const int MaxLabel = 40;
    private static readonly DnsName _reverse = DnsName.Parse("in-addr.arpa");
    private readonly FrozenDictionary<DnsName, IPAddress> _addresses;
    private readonly FrozenDictionary<DnsName, DnsName> _names;

    private LocalNames(HomeState state, Dictionary<DnsName, IPAddress> addresses, Dictionary<DnsName, DnsName> names) =>
        (For, _addresses, _names) = (state, addresses.ToFrozenDictionary(), names.ToFrozenDictionary());

    public static DnsName Zone { get; } = DnsName.Parse("home.arpa");

    /// <summary>The state these names are of.</summary>
    public HomeState For { get; }

    /// <summary>Names from what Things are called; where two are called alike, the later MAC address gets a number.</summary>
    public static LocalNames From(HomeState state, GatewayNetwork network)
    {
        var addresses = new Dictionary<DnsName, IPAddress>();
        var names = new Dictionary<DnsName, DnsName>();
        Add("gatehouse", network.LanAddress);
        foreach (var thing in state.Things.Values.Where(thing => thing.Address is not null).OrderBy(thing => thing.Mac))
        {
            var label = Label(thing.DisplayName);
            if (label.Length == 0) label = "thing";
            for (var number = 1; number < 1000 && !Add(number == 1 ? label : $"{label}-{number}", thing.Address!); number++)
            {
            }
        }

        return new LocalNames(state, addresses, names);

        bool Add(string label, IPAddress address)
        {
            if (!Zone.TryPrepend(Encoding.ASCII.GetBytes(label), out var name) || !addresses.TryAdd(name, address)) return false;
            names.TryAdd(ReverseOf(address), name);
            return true;
        }
    }

    /// <summary>True where the name is ours to answer, known or not.</summary>
    public static bool IsOurs(DnsName name, GatewayNetwork network) => name == Zone || name.IsBelow(Zone) || IsReverseOfLan(name, network);

    /// <summary>The record that answers a question about the house, or null. <paramref name="exists"/>: the name is there, though not with this type.</summary>
    public DnsRecord? Find(DnsQuestion question, out bool exists)
    {
        const uint Ttl = 60;
        exists = true;
        if (_addresses.TryGetValue(question.Name, out var address))
            return question.Type == DnsType.A ? new(question.Name, DnsType.A, DnsQuestion.Internet, Ttl, new DnsAddress(address)) : null;
        if (_names.TryGetValue(question.Name, out var name))
            return question.Type == DnsType.PTR ? new(question.Name, DnsType.PTR, DnsQuestion.Internet, Ttl, new DnsPointer(name)) : null;

        exists = question.Name == Zone;
        return null;
    }

    private static DnsName ReverseOf(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        return DnsName.Parse($"{bytes[3]}.{bytes[2]}.{bytes[1]}.{bytes[0]}.in-addr.arpa");
    }

    private static bool IsReverseOfLan(DnsName name, GatewayNetwork network)
    {
        if (name.LabelCount != 6 || !name.IsBelow(_reverse)) return false;
        var labels = name.ToString().Split('.');
        return IPAddress.TryParse($"{labels[3]}.{labels[2]}.{labels[1]}.{labels[0]}", out var address) && network.LanPrefix.Contains(address);
    }

    // A Thing's own text: what is not a letter or digit becomes one hyphen.
    private static string Label(string name)
    {
        var label = new StringBuilder();
        foreach (var c in name.Normalize())
        {
            if (label.Length == MaxLabel) break;
            if (char.IsAsciiLetterOrDigit(c)) label.Append(char.ToLowerInvariant(c));
            else if (label.Length > 0 && label[^1] != '-') label.Append('-');
        }

        return label.ToString().TrimEnd('-');
    }
}
