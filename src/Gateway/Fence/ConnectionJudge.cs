using System.Collections.Frozen;
using System.Net;
using Gatehouse.Fence.Kernel;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Fence;

/// <summary>
/// Says which connections that are already open may stay. The kernel lets established connections pass without a second look, so what
/// the record takes back must also end what was open. Pure.
/// </summary>
/// <remarks>
/// A connection carries the id of the permission or port forward that let it in as its mark. Addresses alone could not tell: a grant
/// expires with its DNS answer, while a connection it opened may rightly live on for days.
/// </remarks>
internal sealed class ConnectionJudge
{
    private readonly HomeState _state;
    private readonly GatewayNetwork _network;
    private readonly FrozenDictionary<IPAddress, MacAddress> _owners;
    private readonly FrozenSet<uint> _openForwards;
    private readonly bool _isOpen;

    public ConnectionJudge(HomeState state, FencePolicy policy, GatewayNetwork network)
    {
        (_state, _network) = (state, network);
        _owners = policy.Bindings.ToFrozenDictionary(binding => binding.Address, binding => binding.Mac);
        _openForwards = policy.Forwards.Select(forward => forward.Mark).ToFrozenSet();
        _isOpen = policy.Mode == GuardMode.Watching;
        PanicIsOn = policy.PanicFor > TimeSpan.Zero;
    }

    private bool PanicIsOn { get; }

    public bool MayStay(TrackedConnection connection)
    {
        if (_isOpen) return true;

        var (from, to) = (Find(connection.Source), Find(connection.ReplySource));
        var involvesCut = from is { Restraint: Restraint.CutOff } || to is { Restraint: Restraint.CutOff };
        if (involvesCut) return IsOurs(connection.Source) && to is not null;
        if (IsOurs(connection.Source) || IsOurs(connection.ReplySource)) return true;
        if (_network.LanPrefix.Contains(connection.Source)) return MayLeave(connection, from);

        // From outside towards the LAN.
        return !_network.LanPrefix.Contains(connection.ReplySource) || _openForwards.Contains(connection.Mark);
    }

    // A source nobody is known at is a Thing; a computer with an address of its own choosing is known by its record.
    private bool MayLeave(TrackedConnection connection, Thing? from)
    {
        if (PanicIsOn || from is { Class: DeviceClass.Computer }) return true;
        return from is not null && _state.Permissions.TryGetValue(connection.Mark, out var permission) && permission.Thing == from.Mac
               && permission.Ports.Contains(new(connection.Protocol, connection.DestinationPort));
    }

    private bool IsOurs(IPAddress address) => address.Equals(_network.LanAddress);

    private Thing? Find(IPAddress address) => _owners.TryGetValue(address, out var mac) ? _state.Find(mac) : null;
}
