using System.Buffers;
using System.Net;
using System.Net.Sockets;
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

    private readonly Dictionary<ulong, Device> _devices = new(MaxDevices);
    private readonly MacAddress[] _own;
    private readonly (uint Base, uint Mask) _lan;
    private readonly Channel<Greeting> _greetings = Channel.CreateBounded<Greeting>(
        new BoundedChannelOptions(QueueCapacity) { SingleReader = true, SingleWriter = true, FullMode = BoundedChannelFullMode.Wait });

    private Allowance _newDevices = new(NewDevicesBurst);
    private long _dropped;

    /// <param name="lan">The LAN's prefix: only addresses in it are a device's own. Null takes all, for captures of unknown networks.</param>
    /// <param name="own">The gateway's own addresses on the LAN, which are no devices.</param>
    public SightingReader(IPNetwork? lan, IEnumerable<MacAddress> own)
    {
        _own = [.. own];
        if (lan is not { } prefix) return;
        if (prefix.BaseAddress.AddressFamily != AddressFamily.InterNetwork) throw new ArgumentException("An IPv4 prefix is needed.", nameof(lan));
        var mask = prefix.PrefixLength == 0 ? 0 : uint.MaxValue << (32 - prefix.PrefixLength);
        _lan = (new WireReader(prefix.BaseAddress.GetAddressBytes()).ReadUInt32(), mask);
    }

    /// <summary>Messages and devices not taken because a limit was reached.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    internal ChannelReader<Greeting> Greetings => _greetings.Reader;

    /// <summary>Says that no frame will come any more: what waits is still read, then <see cref="Greetings"/> ends.</summary>
    public void Complete() => _greetings.Writer.TryComplete();

    public void Take(in Frame frame)
    {
        if (frame.Link != LinkType.Ethernet || frame.Direction == FrameDirection.Outgoing) return;

        var ethernet = new WireReader(frame.Bytes);
        ethernet.Skip(MacAddress.Size);
        var source = ethernet.ReadMacAddress();
        var type = ethernet.ReadUInt16();
        if (type == EtherTypeVlan)
        {
            ethernet.Skip(2);
            type = ethernet.ReadUInt16();
        }

        if (!ethernet.Ok || source.IsGroup || source == default || _own.AsSpan().Contains(source)) return;

        ref var device = ref Find(source, frame.TimestampNanoseconds);
        if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref device)) return;

        if (type == EtherTypeArp) TakeArp(ref device, source, frame.TimestampNanoseconds, ethernet.Rest);
        else if (type == EtherTypeIPv4) TakeIPv4(ref device, source, frame.TimestampNanoseconds, ethernet.Rest);
    }

    private const ushort EtherTypeIPv4 = 0x0800;
    private const ushort EtherTypeArp = 0x0806;
    private const ushort EtherTypeVlan = 0x8100;

    /// <summary>The device, made and announced when its frame is its first. A null reference where there is no room for another.</summary>
    private ref Device Find(MacAddress mac, long now)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrNullRef(_devices, mac.Value);
        if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref known))
        {
            if (now - known.AnnouncedAt > _presenceEvery) Announce(ref known, mac, now);
            return ref known;
        }

        if (_devices.Count >= MaxDevices) Forget(now);
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
    private void TakeArp(ref Device device, MacAddress source, long now, ReadOnlySpan<byte> packet)
    {
        var arp = new WireReader(packet);
        var (hardware, protocol, lengths) = (arp.ReadUInt16(), arp.ReadUInt16(), arp.ReadUInt16());
        arp.Skip(2);
        var (sender, address) = (arp.ReadMacAddress(), arp.ReadUInt32());
        if (!arp.Ok || hardware != 1 || protocol != EtherTypeIPv4 || lengths != 0x0604 || sender != source) return;
        if (address == 0 || address == device.Address || (address & _lan.Mask) != _lan.Base || !device.Messages.TryTake(now, MessagesPerSecond)) return;

        device.Address = address;
        Announce(ref device, source, now);
    }

    private void TakeIPv4(ref Device device, MacAddress source, long now, ReadOnlySpan<byte> packet)
    {
        var ip = new WireReader(packet);
        var version = ip.ReadByte();
        ip.Skip(1);
        var total = ip.ReadUInt16();
        ip.Skip(2);
        var fragment = ip.ReadUInt16();
        ip.Skip(1);
        var protocol = ip.ReadByte();
        ip.Skip(10);
        var headerLength = (version & 0xF) * 4;
        ip.Skip(headerLength - 20);
        // A fragment has no head to look at, and devices do not fragment their greetings.
        if (!ip.Ok || version >> 4 != 4 || (fragment & 0x3FFF) != 0 || total < headerLength) return;

        var segment = ip.Take(Math.Min(total - headerLength, ip.Remaining));
        var kind = protocol switch { 17 => KindOfUdp(segment, out segment), 6 => KindOfTcp(segment, out segment), _ => GreetingKind.Presence };
        if (kind != GreetingKind.Presence) Copy(ref device, kind, source, now, segment);
    }

    private static GreetingKind KindOfUdp(ReadOnlySpan<byte> datagram, out ReadOnlySpan<byte> payload)
    {
        var udp = new WireReader(datagram);
        var (from, to) = (udp.ReadUInt16(), udp.ReadUInt16());
        udp.Skip(4);
        payload = udp.Rest;
        if (!udp.Ok || payload.IsEmpty) return GreetingKind.Presence;
        return (from, to) switch
        {
            (68, 67) => GreetingKind.Dhcp,
            (_, 53) => GreetingKind.Dns,
            (MdnsMessage.Port, _) => GreetingKind.Mdns,
            (SsdpMessage.Port, _) or (_, SsdpMessage.Port) => GreetingKind.Ssdp,
            _ => GreetingKind.Presence,
        };
    }

    private static GreetingKind KindOfTcp(ReadOnlySpan<byte> segment, out ReadOnlySpan<byte> payload)
    {
        var tcp = new WireReader(segment);
        tcp.Skip(12);
        var headerLength = (tcp.ReadByte() >> 4) * 4;
        tcp.Skip(7);
        tcp.Skip(headerLength - 20);
        payload = tcp.Rest;
        if (!tcp.Ok) return GreetingKind.Presence;
        if (payload.StartsWith("GET "u8) || payload.StartsWith("HTTP/1."u8) || payload.StartsWith("POST "u8) || payload.StartsWith("HEAD "u8)) return GreetingKind.Http;
        return payload is [22, 3, _, _, _, 1, ..] ? GreetingKind.TlsHello : GreetingKind.Presence;
    }

    private void Copy(ref Device device, GreetingKind kind, MacAddress mac, long now, ReadOnlySpan<byte> payload)
    {
        if (!device.Messages.TryTake(now, MessagesPerSecond))
        {
            _dropped++;
            return;
        }

        payload = payload[..Math.Min(payload.Length, MaxMessageBytes)];
        var copy = ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(copy);
        Send(new() { Kind = kind, Mac = mac, TimestampNanoseconds = now, Address = device.Address, Bytes = copy, Length = payload.Length });
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
        foreach (var (mac, device) in _devices)
        {
            if (now - device.AnnouncedAt > _forgetAfter) _devices.Remove(mac);
        }
    }

    private struct Device
    {
        public uint Address;
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
