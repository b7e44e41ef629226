using System.Net;
using Gatehouse.Lab.Devices;

namespace Gatehouse.Lab.Home;

/// <summary>The home: wires, the made-up Internet, the makers, the devices, and the gateway. Everything is below one folder and ends with this object.</summary>
internal sealed class LabHome : IAsyncDisposable
{
    public static readonly string[] Devices = ["recorder", "plug", "printer", "lamp", "laptop", "copycat"];

    public LabHome(HomeSeed seed, Programs programs, string folder)
    {
        (Seed, Folder) = (seed, folder);
        Internet = new(seed, Path.Combine(folder, "internet"));
        Makers = new(seed, programs, Path.Combine(folder, "makers"), Internet.MirrorRoot);
        Gateway = new(seed, programs, Path.Combine(folder, "gateway"), Path.Combine(folder, "packs"), Makers.TrustMap);
        Recorder = new(new()
        {
            Namespace = "recorder", State = Thing("recorder"), Keys = Makers.ImageKeys, Model = Makers.RecorderModel, Host = $"{seed.Brand.ToLowerInvariant()}-dvr",
            Request = $"{seed.RecorderAddress}", Cloud = seed.RecorderCloud, CloudPort = 443,
        });
        Plug = new(new() { Namespace = "plug", State = Thing("plug"), Host = seed.PlugHost, Mac = seed.PlugMac, Cloud = seed.PlugCloud });
        Printer = new("printer", Thing("printer"));
        Lamp = new("lamp", Thing("lamp"), seed.LampMac);
        Laptop = new("laptop", Thing("laptop"), seed.LaptopName, seed.Victim);
        Copycat = new("copycat", Thing("copycat"), seed.LaptopName);
    }

    public HomeSeed Seed { get; }
    public string Folder { get; }
    public Internet Internet { get; }
    public Makers Makers { get; }
    public GatewayProgram Gateway { get; }
    public Recorder Recorder { get; }
    public Plug Plug { get; }
    public Printer Printer { get; }
    public Lamp Lamp { get; }
    public Laptop Laptop { get; }
    public Copycat Copycat { get; }

    private string Thing(string name) => Path.Combine(Folder, "things", name);

    public string MacOf(string device) => device switch
    {
        "recorder" => Seed.RecorderMac, "plug" => Seed.PlugMac, "printer" => Seed.PrinterMac, "lamp" => Seed.LampMac, "laptop" => Seed.LaptopMac, _ => Seed.CopycatMac,
    };

    public IPAddress? AddressOf(string device) => device switch
    {
        "recorder" => Recorder.Address, "plug" => Plug.Address, "printer" => Printer.Lease?.Address, "lamp" => Lamp.Lease?.Address, "laptop" => Laptop.Lease?.Address,
        _ => Copycat.Lease?.Address,
    };

    /// <summary>The wires, the Internet and the makers; no device is switched on yet.</summary>
    public async Task BuildAsync(CancellationToken cancellationToken)
    {
        foreach (var folder in Devices.Select(Thing).Append(Path.Combine(Folder, "packs", Seed.Brand.ToLowerInvariant()))) Directory.CreateDirectory(folder);
        await Topology.BuildAsync(Seed, Devices.ToDictionary(device => device, MacOf), Folder, cancellationToken);
        await Observer.PlaceAsync(cancellationToken);
        await Internet.StartAsync(cancellationToken);
        await Makers.SetUpAsync(cancellationToken);
        await WritePacksAsync(cancellationToken);
    }

    /// <summary>What the community knows of this seed's recorder and of the lamp. The other Things are known to what is shipped.</summary>
    private async Task WritePacksAsync(CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(Path.Combine(Folder, "packs", "lumen.json"),
            """
            {
              "pack": "lumen/lw", "vendor": "Lumen Works", "model": "LW-A60", "kind": "lamp",
              "recognise": [ { "source": "mDNS TXT md", "is": "LW-A60", "weight": 0.8 }, { "source": "mDNS service", "is": "_hap._tcp", "weight": 0.2 } ]
            }

            """, cancellationToken);
        await WriteRecorderPackAsync(cancellationToken);
    }

    private Task WriteRecorderPackAsync(CancellationToken cancellationToken) => File.WriteAllTextAsync(Path.Combine(Folder, "packs", Seed.Brand.ToLowerInvariant(), "dvr.json"),
        $$"""
        {
          "pack": "{{Seed.Brand.ToLowerInvariant()}}/dvr", "vendor": "{{Seed.Brand}}", "model": "{{Seed.RecorderModel}}", "kind": "recorder",
          "recognise": [
            { "source": "DHCP option 60", "is": "{{Seed.RecorderModel}}", "weight": 0.6 },
            { "source": "HTTP title", "is": "{{Seed.Brand}} {{Seed.RecorderModel}}", "weight": 0.8 },
            { "source": "HTTP realm", "is": "{{Seed.Brand}} DVR", "weight": 0.5 },
            { "source": "HTTP body /version", "matches": "^(?<version>[0-9]+\\.[0-9]+\\.[0-9]+)", "weight": 0.3 }
          ],
          "reach": [ { "name": "{{Seed.RecorderCloud}}", "ports": ["tcp/443"], "why": "Seeing its pictures from outside the house" } ],
          "update": { "driver": "swupdate", "parameters": { "port": "8099", "version-path": "/version", "web-port": "80", "hardware": "1.0" }, "repository": "{{Seed.RecorderRepository}}" },
          "health": [ { "http": "/", "port": 80, "status": 200 } ],
          "credentials": [ { "service": "telnet", "port": 23, "user": "root", "password": "{{RecorderFirmware.FactoryPassword}}" } ],
          "rotate": { "method": "telnet-passwd", "parameters": {} }
        }

        """, cancellationToken);

    /// <summary>Switches every device on, one after the other, and waits until each has an address.</summary>
    public async Task StartDevicesAsync(CancellationToken cancellationToken)
    {
        await Recorder.StartAsync(cancellationToken);
        List<Task> joining = [Recorder.LeasedAsync(S(60), cancellationToken)];
        Func<Task>[] others =
        [
            () =>
            {
                Plug.Start();
                return Plug.BootedAsync(S(60), cancellationToken);
            },
            () => Printer.StartAsync(cancellationToken), () => Lamp.StartAsync(cancellationToken), () => Laptop.JoinAsync(cancellationToken), () => Copycat.JoinAsync(cancellationToken),
        ];
        foreach (var start in others)
        {
            // Nobody plugs in six devices in one moment.
            await Task.Delay(S(0.5), cancellationToken);
            joining.Add(start());
        }

        await Task.WhenAll(joining);
        Laptop.StartEveryday();
        Laptop.StartBrowsing();
    }

    private static TimeSpan S(double seconds) => TimeSpan.FromSeconds(seconds);

    public async ValueTask DisposeAsync()
    {
        await Laptop.DisposeAsync();
        await Copycat.DisposeAsync();
        await Recorder.DisposeAsync();
        await Plug.DisposeAsync();
        await Printer.DisposeAsync();
        await Lamp.DisposeAsync();
        await Gateway.DisposeAsync();
        await Internet.DisposeAsync();
    }
}
