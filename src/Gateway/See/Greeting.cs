using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Gatehouse.Packs;
using Gatehouse.Wire;

namespace Gatehouse.See;

/// <summary>What a frame's payload seems to be, judged by ports and first bytes; the decoder has the last word.</summary>
internal enum GreetingKind : byte
{
    /// <summary>Nothing but the frame itself: a device is here, perhaps at <see cref="Greeting.Address"/>.</summary>
    Presence,
    Dhcp,
    Dns,
    Mdns,
    Ssdp,
    Http,
    TlsHello,
}

/// <summary>A copy of one payload on its way from the packet thread to the decoder. Whoever takes it from the channel gives <see cref="Bytes"/> back by <see cref="Return"/>.</summary>
internal readonly struct Greeting
{
    public required GreetingKind Kind { get; init; }
    public required MacAddress Mac { get; init; }
    public required long TimestampNanoseconds { get; init; }

    /// <summary>What it said by ARP; unspecified before it did.</summary>
    public InternetAddress Address { get; init; }

    /// <summary>Rented; null where there is no payload.</summary>
    public byte[]? Bytes { get; init; }

    public int Length { get; init; }

    private ReadOnlySpan<byte> Payload => Bytes.AsSpan(0, Length);

    public void Return()
    {
        if (Bytes is not null) ArrayPool<byte>.Shared.Return(Bytes);
    }

    /// <summary>Reads the payload. Null where it is not what it seemed to be; the device is known to be here already.</summary>
    public Sighting? Read()
    {
        var at = DateTimeOffset.UnixEpoch.AddTicks(TimestampNanoseconds / 100);
        return Kind switch
        {
            GreetingKind.Presence => Sighting.Of(Mac, at, []) with { Address = Address.IsUnspecified ? null : Address.ToIPAddress() },
            GreetingKind.Dhcp => ReadDhcp(at),
            GreetingKind.Dns => ReadDns(at),
            GreetingKind.Mdns => MdnsMessage.TryParse(Payload, out var mdns) ? Sighting.Of(Mac, at, Observe(mdns)) : null,
            GreetingKind.Ssdp => SsdpMessage.TryParse(Payload, out var ssdp) ? Sighting.Of(Mac, at, Observe(ssdp)) : null,
            GreetingKind.Http => HttpHead.TryParse(Payload, out var head) ? Sighting.Of(Mac, at, HttpGreeting.Of(head)) : null,
            GreetingKind.TlsHello => TlsClientHello.TryParse(Payload, out var hello) ? Sighting.Of(Mac, at, Observe(hello)) : null,
            _ => null,
        };
    }

    private Sighting? ReadDhcp(DateTimeOffset at)
    {
        // A message about another device than the one that sent the frame comes from a relay or a liar: it is evidence about neither.
        if (!DhcpMessage.TryParse(Payload, out var message) || !message.IsFromClient || message.ClientMac != Mac) return null;

        Span<byte> value = stackalloc byte[DhcpMessage.MaxOptionBytes];
        var seen = ImmutableArray.CreateBuilder<Observation>();
        foreach (var (code, place) in DhcpTexts)
        {
            if (message.TryGet(code, value, out var length) && length > 0) seen.Add(Sighting.Observe(place, Text(value[..length])));
        }

        if (message.TryGet(DhcpOptionCode.ParameterList, value, out var wanted)) seen.Add(Sighting.Observe(EvidenceSource.DhcpParameterList, Numbers(value[..wanted])));
        return Sighting.Of(Mac, at, seen.ToImmutable()) with
        {
            HostName = seen.FirstOrDefault(item => item.Source.Place == EvidenceSource.DhcpHostName)?.Text is { Length: > 0 } name ? EvidenceText.Shown(name) : null,
        };
    }

    private static ImmutableArray<(DhcpOptionCode, string)> DhcpTexts { get; } =
    [
        (DhcpOptionCode.HostName, EvidenceSource.DhcpHostName), (DhcpOptionCode.VendorClass, EvidenceSource.DhcpVendorClass),
        (DhcpOptionCode.UserClass, EvidenceSource.DhcpUserClass), (DhcpOptionCode.MudUrl, EvidenceSource.DhcpMudUrl),
    ];

    private Sighting? ReadDns(DateTimeOffset at) =>
        DnsMessage.TryParse(Payload, out var message) && !message.IsResponse && message.Opcode == 0 && message.Questions is [var question]
            ? Sighting.FromDnsQuery(Mac, question.Name.ToLowerString(), at) : null;

    private static ImmutableArray<Observation> Observe(MdnsMessage mdns) =>
    [
        .. mdns.Hosts.Select(host => Sighting.Observe(EvidenceSource.MdnsName, host)),
        .. mdns.Services.Select(service => Sighting.Observe(EvidenceSource.MdnsService, service)),
        .. mdns.Instances.Select(instance => Sighting.Observe(EvidenceSource.MdnsInstance, instance)),
        .. from property in mdns.Properties
           where EvidenceSource.TryParse($"{EvidenceSource.MdnsTxt} {property.Key}", out _)
           select new Observation(EvidenceSource.Txt(property.Key), EvidenceText.Clean(property.Value)),
    ];

    // A search says what its sender looks for, not what it is; only its own name counts.
    private static ImmutableArray<Observation> Observe(SsdpMessage ssdp)
    {
        (string Place, string? Text)[] texts = ssdp.Kind == SsdpKind.Search ? [(EvidenceSource.SsdpUserAgent, ssdp.UserAgent)] :
        [
            (EvidenceSource.SsdpServer, ssdp.Server), (EvidenceSource.SsdpType, ssdp.Type),
            (EvidenceSource.SsdpUsn, ssdp.Usn), (EvidenceSource.SsdpLocation, ssdp.Location),
        ];
        return [.. from text in texts where text.Text is { Length: > 0 } select Sighting.Observe(text.Place, text.Text!)];
    }

    private static ImmutableArray<Observation> Observe(TlsClientHello hello)
    {
        var seen = ImmutableArray.CreateBuilder<Observation>();
        if (hello.ServerName is { } name) seen.Add(Sighting.Observe(EvidenceSource.TlsServerName, name.ToLowerInvariant()));
        if (hello.Summary is { } summary) seen.Add(Sighting.Observe(EvidenceSource.TlsHello, summary));
        if (hello.HasGrease) seen.Add(Sighting.Observe(EvidenceSource.TlsHello, "GREASE"));
        return seen.ToImmutable();
    }

    // RFC 2132 says NVT ASCII; devices also send UTF-8. A zero byte at the end is common and means nothing.
    private static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value.TrimEnd((byte)0));

    private static string Numbers(ReadOnlySpan<byte> value)
    {
        var text = new StringBuilder(value.Length * 3);
        foreach (var octet in value) text.Append(text.Length > 0 ? "," : "").Append(octet.ToString(CultureInfo.InvariantCulture));
        return text.ToString();
    }
}
