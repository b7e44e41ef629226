using System.Net;

namespace Gatehouse.Lab.Home;

/// <summary>Everything about a home that another seed changes: names, addresses, MAC addresses, makers' words. Seed 1 is the home of the documents.</summary>
internal sealed record HomeSeed
{
    // Prefixes that the IEEE gave to makers of such devices; the rest of an address is drawn.
    private static readonly string[] s_laptopPrefixes = ["a4:bb:6d", "f8:b1:56", "8c:85:90", "54:ee:75"];
    private static readonly string[] s_plugPrefixes = ["5c:cf:7f", "ec:fa:bc"];
    private static readonly string[] s_brands = ["Anvil", "Borealis", "Cobalt", "Dunmore", "Everglow", "Foxglove"];
    private static readonly string[] s_people = ["anna", "bram", "chloe", "dilan", "emre", "fatou"];
    private static readonly string[] s_shops = ["www.bakery", "www.bookshop", "www.florist", "www.museum", "www.cinema"];

    public required int Number { get; init; }

    /// <summary>The recorder's maker, and its model name in packs and releases.</summary>
    public required string Brand { get; init; }
    public string RecorderModel => $"{Brand.ToLowerInvariant()}-dvr4";
    public string RecorderRepository => Brand.ToLowerInvariant();

    public required string LaptopName { get; init; }
    public required string PlugHost { get; init; }
    public required string PlugCloud { get; init; }
    public required string RecorderCloud { get; init; }
    public required string Victim { get; init; }
    public required string Mirror { get; init; }
    public required string Master { get; init; }

    public required string LaptopMac { get; init; }
    public required string RecorderMac { get; init; }
    public required string PlugMac { get; init; }
    public required string PrinterMac { get; init; }
    public required string LampMac { get; init; }
    public required string CopycatMac { get; init; }

    /// <summary>The gateway's address on the LAN; the prefix has 24 bits.</summary>
    public required IPAddress LanAddress { get; init; }
    public required IPAddress RecorderAddress { get; init; }
    public required IPAddress WanAddress { get; init; }

    /// <summary>The port at the WAN that somebody once led to the recorder's telnet.</summary>
    public required int ForwardedPort { get; init; }

    // The made-up Internet: one host per server in TEST-NET-2 (RFC 5737). Only the last byte tells them apart.
    public static IPAddress NameServer { get; } = IPAddress.Parse("198.51.100.53");
    public static IPAddress MirrorAddress { get; } = IPAddress.Parse("198.51.100.80");
    public static IPAddress VictimAddress { get; } = IPAddress.Parse("198.51.100.90");
    public static IPAddress RecorderCloudAddress { get; } = IPAddress.Parse("198.51.100.70");
    public static IPAddress PlugCloudAddress { get; } = IPAddress.Parse("198.51.100.71");
    public static IPAddress MasterAddress { get; } = IPAddress.Parse("198.51.100.66");
    public static IPAddress AttackerAddress { get; } = IPAddress.Parse("198.51.100.99");
    public static IPAddress EverydayAddress { get; } = IPAddress.Parse("198.51.100.10");
    public static IPAddress WanRouter { get; } = IPAddress.Parse("203.0.113.1");

    public static HomeSeed Of(int number)
    {
        var random = new Random(number);
        string Tail() => $"{random.Next(1, 255):x2}:{random.Next(1, 255):x2}:{random.Next(1, 255):x2}";
        T Pick<T>(T[] from) => number == 1 ? from[0] : from[random.Next(from.Length)];

        var brand = Pick(s_brands);
        var plugMac = $"{Pick(s_plugPrefixes)}:{Tail()}";
        var plugTail = plugMac.Replace(":", "", StringComparison.Ordinal).ToUpperInvariant()[6..];
        var subnet = number == 1 ? "192.168.77" : $"192.168.{random.Next(1, 250)}";
        return new()
        {
            Number = number,
            Brand = brand,
            LaptopName = $"{Pick(s_people)}-laptop",
            PlugHost = $"tasmota-{plugTail}-{random.Next(1000, 8191)}",
            PlugCloud = number == 1 ? "mqtt.kettle.example" : $"mqtt.kettle{random.Next(100)}.example",
            RecorderCloud = $"cloud.{brand.ToLowerInvariant()}-dvr.example",
            Victim = $"{Pick(s_shops)}.example",
            Mirror = number == 1 ? "updates.makers.example" : $"updates{random.Next(100)}.makers.example",
            Master = number == 1 ? "irc.pond.example" : $"irc.pond{random.Next(100)}.example",
            LaptopMac = $"{Pick(s_laptopPrefixes)}:{Tail()}",
            RecorderMac = $"3c:ef:8c:{Tail()}",
            PlugMac = plugMac,
            PrinterMac = $"3c:d9:2b:{Tail()}",
            LampMac = $"00:e0:4c:{Tail()}",
            CopycatMac = $"5c:cf:7f:{Tail()}",
            LanAddress = IPAddress.Parse($"{subnet}.1"),
            RecorderAddress = IPAddress.Parse($"{subnet}.{(number == 1 ? 60 : random.Next(60, 99))}"),
            WanAddress = IPAddress.Parse($"203.0.113.{(number == 1 ? 10 : random.Next(10, 200))}"),
            ForwardedPort = number == 1 ? 2323 : random.Next(2000, 9000),
        };
    }
}
