using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>Everything the engine remembers of one MAC address: about 30 KiB, whatever it does.</summary>
internal sealed class WatchedThing(MacAddress mac)
{
    private readonly Case?[] _cases = new Case?[Rule.All.Length];

    public MacAddress Mac { get; } = mac;
    public DeviceClass Class { get; set; }
    public long LastSeen { get; set; }

    public FlowTable Flows { get; } = new();
    public PeerTable Peers { get; } = new();
    public Meter[] Meters { get; } = new Meter[Rule.All.Length];
    public TrafficHistory Traffic { get; } = new();

    /// <summary>Its own IPv4 address as far as its packets tell, and how often it was used.</summary>
    public InternetAddress Address { get; private set; }
    public int AddressUses { get; private set; }

    /// <summary>True when packets under other, global addresses came from it: it routes, or it lies.</summary>
    public bool HasForeignSources { get; private set; }

    public ulong LastForeignSource { get; set; }

    /// <summary>When a DNS answer to it could not be read to its end.</summary>
    public long LastCutAnswer { get; set; } = long.MinValue / 2;

    /// <summary>When somebody from the Internet was last heard past its login.</summary>
    public long LastGuest { get; set; } = long.MinValue / 2;

    /// <summary>Devices of this home it looked for, by the last octet, since <see cref="SweepSince"/>.</summary>
    public UInt128 SweepLow { get; set; }
    public UInt128 SweepHigh { get; set; }
    public long SweepSince { get; set; }

    /// <summary>The latest names it asked for, as hashes.</summary>
    public uint[] Names { get; } = new uint[64];

    /// <summary>The latest ports it called strangers at.</summary>
    public ushort[] CalledPorts { get; } = new ushort[31];

    /// <summary>The host it called for the first time last.</summary>
    public ulong LastScannedHost { get; set; }

    /// <summary>Independent witnesses with open findings, as bits.</summary>
    public int OpenKinds { get; set; }
    public int OpenCases { get; set; }

    public Case CaseOf(RuleId rule) => _cases[(int)rule] ??= new Case();

    public Case? FindCase(int rule) => _cases[rule];

    /// <summary>True when it is known to be this device's own address, and not one it routes for.</summary>
    public bool Owns(InternetAddress address) => address == Address && AddressUses >= 2 && !HasForeignSources;

    /// <summary>Takes note of the address it sends from.</summary>
    /// <returns>False when it is a global address that is not its own.</returns>
    public bool LearnSource(InternetAddress source)
    {
        if (source == Address)
        {
            if (AddressUses < int.MaxValue) AddressUses++;
            return true;
        }

        if (!source.IsIpv4 || source.IsUnspecified) return true;
        if (!source.IsGlobal || Address == default)
        {
            (Address, AddressUses) = (source, 1);
            return true;
        }

        HasForeignSources = true;
        return false;
    }
}
