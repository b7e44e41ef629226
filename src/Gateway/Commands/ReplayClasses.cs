using Gatehouse.Home;
using Gatehouse.Packs;
using Gatehouse.See;
using Gatehouse.Watch;
using Gatehouse.Wire;

namespace Gatehouse.Commands;

/// <summary>
/// Says what the devices of a capture are, by See's own rules and nothing but their packets. Nobody can be asked here, so a device in doubt stays a Thing.
/// </summary>
internal sealed class ReplayClasses(WatchEngine engine) : IFrameConsumer
{
    /// <summary>Frames of one device that are read for it: what a device is shows when it joins, and a long capture need not be read twice.</summary>
    private const int MaxFramesPerDevice = 4000;

    /// <summary>Devices counted; further ones are not read.</summary>
    private const int MaxDevices = 4096;

    private readonly SightingReader _reader = new(lan: null, own: []);
    private readonly Recogniser _recogniser = new(PackLibrary.Empty, MacVendors.BuiltIn);
    private readonly Dictionary<MacAddress, Device> _devices = [];

    /// <summary>Devices that were read enough: most frames are theirs, and need no look into the table.</summary>
    private readonly MacAddress[] _done = new MacAddress[257];

    /// <summary>The caller knows better: no evidence changes this class.</summary>
    public void Set(MacAddress mac, DeviceClass deviceClass)
    {
        engine.SetClass(mac, deviceClass);
        _devices[mac] = new() { Frames = MaxFramesPerDevice };
    }

    public void Take(in Frame frame)
    {
        if (frame.Link != LinkType.Ethernet || frame.Bytes.Length < EthernetHeader.Size) return;

        var mac = MacAddress.Read(frame.Bytes[MacAddress.Size..]);
        if (_done[mac.Value % (ulong)_done.Length] == mac) return;
        if (!_devices.TryGetValue(mac, out var device))
        {
            if (_devices.Count >= MaxDevices || mac.IsGroup) return;
            _devices.Add(mac, device = new());
        }

        if (device.Frames++ >= MaxFramesPerDevice)
        {
            _done[mac.Value % (ulong)_done.Length] = mac;
            return;
        }

        Read(mac, device, frame);
    }

    private void Read(MacAddress mac, Device device, in Frame frame)
    {
        _reader.Take(frame);
        while (_reader.Greetings.TryRead(out var greeting))
        {
            if (greeting.Mac == mac && greeting.Read() is { } sighting && device.Evidence.Add(sighting)) Conclude(mac, device);
            greeting.Return();
        }
    }

    private void Conclude(MacAddress mac, Device device)
    {
        var deviceClass = _recogniser.Conclude(mac, device.Evidence, known: null).Class;
        if (deviceClass == device.Class) return;

        device.Class = deviceClass;
        engine.SetClass(mac, deviceClass);
    }

    private sealed class Device
    {
        public EvidenceSet Evidence { get; } = new();
        public DeviceClass Class { get; set; }
        public int Frames { get; set; }
    }
}
