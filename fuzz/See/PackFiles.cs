using System.Collections.Immutable;
using Gatehouse.Packs;

namespace Gatehouse.Fuzz.See;

/// <summary>A pack's file: somebody else wrote it.</summary>
internal static class PackFiles
{
    public static IEnumerable<byte[]> Seeds() =>
    [
        """
        { "pack": "a/b", "vendor": "A", "model": "m", "kind": "plug", "class": "thing", "safety": true, "sources": ["x"],
          "recognise": [ { "source": "HTTP Server", "matches": "A/(?<version>[0-9.]+)", "weight": 0.9 }, { "source": "mDNS TXT md", "is": "x", "weight": 1 } ],
          "reach": [ { "name": "*.a.example", "ports": ["tcp/443"], "why": "y" } ], "update": { "driver": "d", "parameters": { "p": "q" }, "repository": "r" },
          "health": [ { "http": "/", "port": 80, "status": 200 }, { "tcp": 23 } ], "credentials": [ { "service": "telnet", "port": 23, "user": "root", "password": "" } ],
          "rotate": { "method": "m", "parameters": {} }, "support": { "until": "2027-01-01" } }
        """u8.ToArray(),
    ];

    public static void Run(ReadOnlySpan<byte> input)
    {
        var faults = ImmutableArray.CreateBuilder<PackFault>();
        var pack = PackReader.Read("fuzz", new MemoryStream(input.ToArray()), faults);
        if (pack is null == (faults.Count == 0)) throw new InvalidOperationException("a pack without a fault, or a fault with a pack");
        if (pack?.Recognise.Any(rule => rule.Fits("AnvilWeb/1.0 some text", out _)) == true && pack.Id.Length == 0) throw new InvalidOperationException("a pack without a name");
    }
}
