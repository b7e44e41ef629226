using System.Collections.Immutable;
using System.Net;
using Gatehouse.Wire;

namespace Gatehouse.Home;

/// <summary>What kind of device stands behind a MAC address; it decides which rules judge it.</summary>
public enum DeviceClass
{
    /// <summary>Any device its owner does not administer; also every device in doubt. Fenced.</summary>
    Thing,

    /// <summary>A general-purpose computer or phone. Let out.</summary>
    Computer,

    /// <summary>A router or access point with devices of its own behind it. Fenced; judged by rules of its own.</summary>
    Router,
}

/// <summary>What Gatehouse holds a Thing to beyond its permissions.</summary>
public enum Restraint
{
    None,

    /// <summary>Its traffic is limited to a trickle; reversible, goes by itself when the finding ends.</summary>
    Throttled,

    /// <summary>Nothing from it or to it passes; only the owner's answer, or the cure, ends this.</summary>
    CutOff,
}

/// <summary>A device on the owner's network. Its key is the MAC address it shows on the LAN, never an IP address.</summary>
public sealed record Thing
{
    public required MacAddress Mac { get; init; }

    /// <summary>The name the owner gave it, or null.</summary>
    public string? OwnerName { get; init; }

    public DeviceClass Class { get; init; }

    /// <summary>True when the owner chose <see cref="Class"/>; then no evidence changes it.</summary>
    public bool IsClassChosenByOwner { get; init; }

    public Identity Identity { get; init; } = Identity.Unknown;

    /// <summary>The IPv4 address it last was given or used, or null.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>The host name it gave in DHCP: its own text, hostile until escaped.</summary>
    public string? HostName { get; init; }

    public required DateTimeOffset FirstSeen { get; init; }
    public required DateTimeOffset LastSeen { get; init; }

    public Restraint Restraint { get; init; }

    /// <summary>Why it is restrained, in one sentence for the owner; empty when it is not.</summary>
    public string RestraintReason { get; init; } = "";

    /// <summary>What to call it: the owner's name, else vendor and model, else its host name, else its MAC address.</summary>
    public string DisplayName =>
        OwnerName
        ?? (Identity.Model is { } model ? Identity.Vendor is { } vendor ? $"{vendor.Value} {model.Value}" : model.Value
            : Identity.Kind is { } kind && Identity.Vendor is { } maker ? $"{maker.Value} {kind.Value}"
            : HostName ?? Mac.ToString());
}

/// <summary>One property of a Thing that evidence supports. <paramref name="Confidence"/> is 0 to 1.</summary>
public sealed record Claim(string Value, double Confidence, ImmutableArray<Evidence> Evidence);

/// <summary>Something a Thing said or did that supports a claim.</summary>
/// <param name="Source">Where it was read, by the standard's name: <c>DHCP option 60</c>, <c>mDNS TXT</c>, <c>OUI</c>, <c>HTTP Server</c>.</param>
/// <param name="Text">What was read, escaped and at most 200 characters.</param>
public sealed record Evidence(string Source, string Text);

/// <summary>Which Thing this is, each part with its evidence; a part nobody can support stays null.</summary>
public sealed record Identity
{
    public static Identity Unknown { get; } = new();

    public Claim? Vendor { get; init; }
    public Claim? Model { get; init; }
    public Claim? Firmware { get; init; }

    /// <summary>A common word: <c>camera</c>, <c>recorder</c>, <c>plug</c>, <c>lamp</c>, <c>printer</c>, <c>computer</c>, <c>phone</c>…</summary>
    public Claim? Kind { get; init; }

    /// <summary>The pack that describes this model (<c>maker/family</c>), or null.</summary>
    public string? Pack { get; init; }

    /// <summary>Why it is taken for a computer or for a Thing; shown with the class.</summary>
    public ImmutableArray<Evidence> ClassEvidence { get; init; } = [];
}
