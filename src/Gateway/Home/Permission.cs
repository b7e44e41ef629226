using System.Collections.Immutable;
using Gatehouse.Wire;

namespace Gatehouse.Home;

public enum TransportProtocol : byte
{
    Icmp = 1,
    Tcp = 6,
    Udp = 17,
}

/// <summary>One protocol and port a permission opens.</summary>
public readonly record struct TransportPort(TransportProtocol Protocol, ushort Port)
{
    /// <summary><c>tcp/443</c>.</summary>
    public override string ToString() => $"{(Protocol == TransportProtocol.Tcp ? "tcp" : Protocol == TransportProtocol.Udp ? "udp" : "icmp")}/{Port}";
}

public enum PermissionOrigin
{
    Owner,
    Pack,
    Mud,
}

/// <summary>A way out for one Thing: to the addresses one DNS name leads to, or to one prefix, at some ports.</summary>
public sealed record Permission
{
    public required long Id { get; init; }
    public required MacAddress Thing { get; init; }

    /// <summary>A DNS name in lower case without the last dot (exactly that name), or <c>*.name</c> for everything below it; null when <see cref="Prefix"/> is given.</summary>
    public string? Name { get; init; }

    /// <summary>An address or CIDR prefix in text; null when <see cref="Name"/> is given.</summary>
    public string? Prefix { get; init; }

    public required ImmutableArray<TransportPort> Ports { get; init; }
    public required PermissionOrigin Origin { get; init; }
    public required DateTimeOffset Since { get; init; }

    /// <summary>The ports opened when nobody knows which ones a name is used with: web, QUIC and MQTT over TLS.</summary>
    public static ImmutableArray<TransportPort> UsualPorts { get; } =
    [
        new(TransportProtocol.Tcp, 80), new(TransportProtocol.Tcp, 443), new(TransportProtocol.Udp, 443), new(TransportProtocol.Tcp, 8883),
    ];
}

/// <summary>A way in from the Internet that an address translation rule on this machine opens (DNAT), found or known.</summary>
public sealed record PortForward
{
    public required long Id { get; init; }
    public required TransportProtocol Protocol { get; init; }
    public required ushort WanPort { get; init; }

    /// <summary>The address the rule leads to, in text.</summary>
    public required string Address { get; init; }

    public required ushort ThingPort { get; init; }

    /// <summary>The Thing at that address when it was found, or null.</summary>
    public MacAddress? Thing { get; init; }

    /// <summary>True while the fence lets it pass: it was there before Gatehouse, and the owner has not closed it.</summary>
    public required bool IsOpen { get; init; }

    public required DateTimeOffset Since { get; init; }
}
