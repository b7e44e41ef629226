using System.Buffers;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>
/// Reads every frame of the LAN and copies out the few that tell who a device is: its first frame at once, and DHCP, DNS questions, mDNS,
/// SSDP, HTTP heads and TLS hellos as far as its allowance reaches. Other frames cost a look at their headers and no allocation.
/// </summary>
/// <remarks>Used by one thread, the packet source's. Every limit below is counted in <see cref="Dropped"/>.</remarks>
public sealed class SightingReader : IFrameConsumer
{
    /// <summary>Devices remembered. A home has tens; a Thing that makes up sender addresses must not fill our memory.</summary>
    public const int MaxDevices = 4096;

    /// <summary>New devices at once (a house coming back after a power cut), and then one each second: bounds what made-up addresses put into the record.</summary>
    public const int NewDevicesBurst = 256;

    /// <summary>Messages copied for one device at once; refilled at <see cref="MessagesPerSecond"/>.</summary>
    public const int MessagesBurst = 100;

    public const int MessagesPerSecond = 20;

    /// <summary>Messages waiting for the decoder, over all devices; beyond it the newest are dropped.</summary>
    public const int QueueCapacity = 1024;

    /// <summary>Bytes copied of one message: a frame's worth.</summary>
    public const int MaxMessageBytes = 2048;

    private static readonly long _presenceEvery = (long)TimeSpan.FromMinutes(5).TotalNanoseconds;
    private static readonly long _forgetAfter = (long)TimeSpan.FromHours(1).TotalNanoseconds;

    // Looking through all devices for each of a flood's frames would be the flood's second victim.
    private static readonly long _forgetEvery = (long)TimeSpan.FromSeconds(10).TotalNanoseconds;

    private readonly Dictionary<ulong, Device> _devices = new(MaxDevices);
    private readonly MacAddress[] _own;
    private readonly IPNetwork? _lan;
    private readonly Channel<Greeting> _greetings = Channel.CreateBounded<Greeting>(
        new BoundedChannelOptions(QueueCapacity) { SingleReader = true, SingleWriter = true, FullMode = BoundedChannelFullMode.Wait });

    private long _forgotAt;
    private Allowance _newDevices = new(NewDevicesBurst);
    private long _dropped;

    /// <param name="lan">The LAN's prefix: only addresses in it are a device's own. Null takes all, for captures of unknown networks.</param>
    /// <param name="own">The gateway's own addresses on the LAN, which are no devices.</param>
    public SightingReader(IPNetwork? lan, IEnumerable<MacAddress> own)
    {
        _own = [.. own];
        _lan = lan;
    }

    /// <summary>Messages and devices not taken because a limit was reached.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    internal ChannelReader<Greeting> Greetings => _greetings.Reader;

    /// <summary>Says that no frame will come any more: what waits is still read, then <see cref="Greetings"/> ends.</summary>
    public void Complete() => _greetings.Writer.TryComplete();

    public void Take(in Frame frame)
    {
        if (frame.Direction == FrameDirection.Outgoing) return;

        var packet = Packet.Read(frame);
        var source = packet.SourceMac;
        if (packet.Layer == PacketLayer.None || source.IsGroup || source == default || _own.AsSpan().Contains(source)) return;

        ref var device = ref Find(source, packet.Time);
        if (Unsafe.IsNullRef(ref device)) return;

        if (packet.EtherType == EtherType.Arp) TakeArp(ref device, packet);
        else if (packet is { Layer: PacketLayer.Transport, IsFragment: false, Payload.IsEmpty: false } && KindOf(packet) is var kind and not GreetingKind.Presence) Copy(ref device, kind, packet);
    }

    /// <summary>The device, made and announced when its frame is its first. A null reference where there is no room for another.</summary>
    private ref Device Find(MacAddress mac, long now)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrNullRef(_devices, mac.Value);
        if (!Unsafe.IsNullRef(ref known))
        {
            if (now - known.AnnouncedAt > _presenceEvery) Announce(ref known, mac, now);
            return ref known;
        }

        if (_devices.Count >= MaxDevices && now - _forgotAt > _forgetEvery) Forget(now);
        if (_devices.Count >= MaxDevices || !_newDevices.TryTake(now, 1))
        {
            _dropped++;
            return ref known;
        }

        ref var made = ref CollectionsMarshal.GetValueRefOrAddDefault(_devices, mac.Value, out _);
        made.Messages = new(MessagesBurst);
        Announce(ref made, mac, now);
        return ref made;
    }

    private void Announce(ref Device device, MacAddress mac, long now)
    {
        if (Send(new() { Kind = GreetingKind.Presence, Mac = mac, Address = device.Address, TimestampNanoseconds = now })) device.AnnouncedAt = now;
    }

    // Only ARP tells an address: the sender of an IPv4 packet may be anybody, and a flood with made-up senders would rename its Thing with every packet.
    private void TakeArp(ref Device device, in Packet packet)
    {
        if (!ArpPacket.TryParse(packet.Payload, out var arp) || arp.SenderMac != packet.SourceMac || arp.SenderAddress.IsUnspecified) return;
        if (arp.SenderAddress == device.Address || !device.Messages.TryTake(packet.Time, MessagesPerSecond) || !IsOnLan(arp.SenderAddress)) return;

        device.Address = arp.SenderAddress;
        Announce(ref device, packet.SourceMac, packet.Time);
    }

    private bool IsOnLan(InternetAddress address) => _lan is not { } lan || lan.Contains(address.ToIPAddress());

    private static GreetingKind KindOf(in Packet packet) => packet.Protocol switch
    {
        IpProtocol.Udp => (packet.SourcePort, packet.DestinationPort) switch
        {
            (68, 67) => GreetingKind.Dhcp,
            (_, 53) => GreetingKind.Dns,
            (MdnsMessage.Port, _) => GreetingKind.Mdns,
            (SsdpMessage.Port, _) or (_, SsdpMessage.Port) => GreetingKind.Ssdp,
            _ => GreetingKind.Presence,
        },
        IpProtocol.Tcp when IsHttp(packet.Payload) => GreetingKind.Http,
        IpProtocol.Tcp when packet.Payload is [22, 3, _, _, _, 1, ..] => GreetingKind.TlsHello, // a handshake record, a ClientHello
        _ => GreetingKind.Presence,
    };

    private static bool IsHttp(ReadOnlySpan<byte> payload) =>
        payload.StartsWith("GET "u8) || payload.StartsWith("POST "u8) || payload.StartsWith("HEAD "u8) || payload.StartsWith("HTTP/1."u8);

    private void Copy(ref Device device, GreetingKind kind, in Packet packet)
    {
        if (!device.Messages.TryTake(packet.Time, MessagesPerSecond))
        {
            _dropped++;
            return;
        }

        var payload = packet.Payload[..Math.Min(packet.Payload.Length, MaxMessageBytes)];
        var copy = ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(copy);
        Send(new() { Kind = kind, Mac = packet.SourceMac, TimestampNanoseconds = packet.Time, Address = device.Address, Bytes = copy, Length = payload.Length });
    }

    private bool Send(in Greeting greeting)
    {
        if (_greetings.Writer.TryWrite(greeting)) return true;
        greeting.Return();
        _dropped++;
        return false;
    }

    // Removing while enumerating is allowed for Dictionary, and allocates nothing.
    private void Forget(long now)
    {
        _forgotAt = now;
        foreach (var (mac, device) in _devices)
        {
            if (now - device.AnnouncedAt > _forgetAfter) _devices.Remove(mac);
        }
    }

    private struct Device
    {
        public InternetAddress Address;
        public long AnnouncedAt;
        public Allowance Messages;
    }

    /// <summary>A token bucket that counts in the packets' own time.</summary>
    private struct Allowance(int burst)
    {
        private readonly int _burst = burst;
        private double _left = burst;
        private long _at;

        public bool TryTake(long now, int perSecond)
        {
            if (now > _at)
            {
                if (_at > 0) _left = Math.Min(_burst, _left + (now - _at) / 1e9 * perSecond);
                _at = now;
            }

            if (_left < 1) return false;
            _left--;
            return true;
        }
    }
}
