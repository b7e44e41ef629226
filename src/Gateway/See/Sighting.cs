using System.Collections.Immutable;
using System.Net;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>One text read at one place.</summary>
/// <param name="Text">The device's own text, made harmless by <see cref="EvidenceText"/>; at most <see cref="EvidenceText.MaxLength"/> characters.</param>
public sealed record Observation(EvidenceSource Source, string Text);

public enum SightingOrigin
{
    /// <summary>The device sent it by itself.</summary>
    Heard,

    /// <summary>It answered a question of ours. A new round of questions replaces what the round before learned.</summary>
    Asked,
}

/// <summary>What one message, one answer or one visit showed of one device.</summary>
public sealed record Sighting
{
    public required MacAddress Mac { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>The address it said it has, or null.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>The host name it gave in DHCP, or null.</summary>
    public string? HostName { get; init; }

    public SightingOrigin Origin { get; init; }

    public ImmutableArray<Observation> Observations { get; init; } = [];

    /// <summary>It asked the gateway's DNS forwarder for <paramref name="name"/>.</summary>
    public static Sighting FromDnsQuery(MacAddress mac, string name, DateTimeOffset at) => Of(mac, at, [Observe(EvidenceSource.DnsName, name)]);

    /// <summary>It asked one of the gateway's own pages for something: the fence's "this device is fenced" page sees browsers this way.</summary>
    public static Sighting FromHttpRequest(MacAddress mac, IEnumerable<KeyValuePair<string, string>> headers, DateTimeOffset at) =>
        Of(mac, at, HttpGreeting.OfRequest([.. headers]));

    /// <summary>The owner signed in to the console from it, with a valid password.</summary>
    public static Sighting FromOwnerSignIn(MacAddress mac, DateTimeOffset at) => Of(mac, at, [new(EvidenceSource.Of(EvidenceSource.OwnerSignIn), "console")]);

    internal static Sighting Of(MacAddress mac, DateTimeOffset at, ImmutableArray<Observation> observations) =>
        new() { Mac = mac, At = at, Observations = observations };

    internal static Observation Observe(string place, string text) => new(EvidenceSource.Of(place), EvidenceText.Clean(text));
}
