using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Fence;

/// <summary>A source address that belongs to a MAC address; anything else it sends is forged.</summary>
public readonly record struct Binding(MacAddress Mac, IPAddress Address);

/// <summary>A way out to a prefix. <paramref name="Mark"/> is the permission's id: connections carry it as their conntrack mark.</summary>
public readonly record struct StaticGrant(MacAddress Mac, IPNetwork Prefix, TransportPort Port, uint Mark);

/// <summary>A way in that stays open: where the translation rule leads to. <paramref name="Mark"/> is the port forward's id.</summary>
public readonly record struct OpenForward(IPAddress Address, TransportPort Port, uint Mark);

/// <summary>What may pass, as values the kernel understands; a pure function of the record.</summary>
/// <remarks>
/// Grants that DNS answers open are not here: they are timed elements which a change of policy leaves alone, except those whose
/// permission is gone. Lists are sorted, so that equal policies are written with equal bytes.
/// </remarks>
public sealed record FencePolicy
{
    /// <summary>Most elements of one kind that are written; the kernel's sets are made with this size. What is beyond it stays fenced.</summary>
    public const int MaxElements = 4096;

    public required GuardMode Mode { get; init; }

    /// <summary>How long everything may still leave, or zero. The kernel itself ends it, so a gateway that dies meanwhile leaves the fence closed.</summary>
    public required TimeSpan PanicFor { get; init; }

    public required ImmutableArray<MacAddress> Computers { get; init; }
    public required ImmutableArray<Binding> Bindings { get; init; }
    public required ImmutableArray<MacAddress> CutOff { get; init; }
    public required ImmutableArray<IPAddress> CutOffAddresses { get; init; }
    public required ImmutableArray<MacAddress> Throttled { get; init; }
    public required ImmutableArray<StaticGrant> StaticGrants { get; init; }
    public required ImmutableArray<OpenForward> Forwards { get; init; }

    /// <summary>Derives the policy. <paramref name="leases"/> are the addresses the gateway itself gave out: they win over what a device claims.</summary>
    public static FencePolicy From(HomeState state, GatewayNetwork network, ImmutableDictionary<IPAddress, MacAddress> leases, DateTimeOffset now)
    {
        var things = state.Things.Values.OrderBy(thing => thing.Mac).Take(MaxElements).ToList();
        var bindings = BindingsOf(things, network, leases);
        var cut = things.Where(thing => thing.Restraint == Restraint.CutOff).Select(thing => thing.Mac).ToHashSet();
        return new FencePolicy
        {
            Mode = state.Mode,
            PanicFor = state.PanicUntil is { } until && until > now ? until - now : TimeSpan.Zero,
            Computers = [.. from thing in things where thing.Class == DeviceClass.Computer select thing.Mac],
            Bindings = bindings,
            CutOff = [.. cut.Order()],
            CutOffAddresses = [.. from binding in bindings where cut.Contains(binding.Mac) select binding.Address],
            Throttled = [.. from thing in things where thing.Restraint == Restraint.Throttled select thing.Mac],
            StaticGrants = StaticGrantsOf(state),
            Forwards =
            [
                .. (from forward in state.PortForwards.Values
                    where forward.IsOpen && IPAddress.TryParse(forward.Address, out _)
                    orderby forward.Id
                    select new OpenForward(IPAddress.Parse(forward.Address), new(forward.Protocol, forward.ThingPort), (uint)forward.Id))
                    .DistinctBy(forward => (forward.Address, forward.Port)).Take(MaxElements),
            ],
        };
    }

    /// <summary>Reads a permission's prefix: an IPv4 address or CIDR prefix; host bits are cleared.</summary>
    public static bool TryReadPrefix(string text, out IPNetwork prefix)
    {
        prefix = default;
        if (IPAddress.TryParse(text, out var address)) prefix = new(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
        else if (!IPNetwork.TryParse(text, out prefix)) return false;
        return prefix.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
    }

    private static ImmutableArray<Binding> BindingsOf(List<Thing> things, GatewayNetwork network, ImmutableDictionary<IPAddress, MacAddress> leases)
    {
        // A Thing that claims, by ARP or in its packets, an address that was leased to another gets nothing by it.
        var leased = leases.Where(lease => IsUsable(lease.Key, network)).Select(lease => new Binding(lease.Value, lease.Key));
        var claimed = from thing in things
                      let address = thing.Address
                      where address is not null && IsUsable(address, network) && !leases.ContainsKey(address)
                      select new Binding(thing.Mac, address);
        return [.. leased.Concat(claimed).DistinctBy(binding => binding.Address).OrderBy(binding => Number(binding.Address)).Take(MaxElements)];
    }

    private static bool IsUsable(IPAddress address, GatewayNetwork network) =>
        address.AddressFamily == AddressFamily.InterNetwork && network.LanPrefix.Contains(address) && !address.Equals(network.LanAddress);

    private static ImmutableArray<StaticGrant> StaticGrantsOf(HomeState state)
    {
        var grants =
            from permission in state.Permissions.Values
            let prefix = permission.Prefix is { } text && TryReadPrefix(text, out var read) ? read : (IPNetwork?)null
            where prefix is not null && state.Things.ContainsKey(permission.Thing)
            from port in permission.Ports
            where port.Protocol is TransportProtocol.Tcp or TransportProtocol.Udp
            select new StaticGrant(permission.Thing, prefix.Value, port, (uint)permission.Id);

        // The kernel refuses a prefix inside another of the same key, and with it the whole transaction: the wider one says it already.
        return
        [
            .. (from grant in grants
                group grant by (grant.Mac, grant.Port) into same
                from kept in Widest(same)
                select kept)
                .OrderBy(grant => grant.Mac).ThenBy(grant => Number(grant.Prefix.BaseAddress)).ThenBy(grant => grant.Port.Protocol).ThenBy(grant => grant.Port.Port)
                .Take(MaxElements),
        ];
    }

    private static List<StaticGrant> Widest(IEnumerable<StaticGrant> sameKey)
    {
        var kept = new List<StaticGrant>();
        foreach (var grant in sameKey.OrderBy(grant => grant.Prefix.PrefixLength).ThenBy(grant => grant.Mark))
        {
            if (!kept.Exists(wider => wider.Prefix.Contains(grant.Prefix.BaseAddress))) kept.Add(grant);
        }

        return kept;
    }

    private static uint Number(IPAddress address) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());
}
