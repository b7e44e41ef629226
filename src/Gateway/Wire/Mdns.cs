using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Gatehouse.Wire;

/// <summary>What a device said of itself in one mDNS message: services it offers, their properties, its names.</summary>
/// <remarks>RFC 6762 and RFC 6763. Only answers count; a question says what somebody looks for, kept apart in <see cref="Asked"/>. Texts are the sender's own.</remarks>
public sealed class MdnsMessage
{
    public const ushort Port = 5353;

    private static readonly DnsName _local = DnsName.Parse("local");
    private static readonly DnsName _enumeration = DnsName.Parse("_services._dns-sd._udp.local");

    private MdnsMessage()
    {
    }

    public bool IsResponse { get; private init; }

    /// <summary>Service types offered, in lower case without the domain: <c>_ipp._tcp</c>.</summary>
    public ImmutableArray<string> Services { get; private init; } = [];

    /// <summary>Names of service instances, their own text: <c>Kitchen lamp</c>.</summary>
    public ImmutableArray<string> Instances { get; private init; } = [];

    /// <summary>Properties of TXT records (RFC 6763, 6): keys in lower case, values as UTF-8.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Properties { get; private init; } = [];

    /// <summary>Host names with an address, in lower case: <c>plug.local</c>.</summary>
    public ImmutableArray<string> Hosts { get; private init; } = [];

    /// <summary>Service types looked for.</summary>
    public ImmutableArray<string> Asked { get; private init; } = [];

    public static bool TryParse(ReadOnlySpan<byte> datagram, [NotNullWhen(true)] out MdnsMessage? message)
    {
        message = null;
        if (!DnsMessage.TryParse(datagram, out var dns) || dns.Opcode != 0 || dns.ResponseCode != DnsResponseCode.NoError) return false;

        // RFC 6762, 6: answers and additional records of a response are both the sender's own; those of a query are what it knows already.
        var records = dns.IsResponse ? dns.Answers.AddRange(dns.Additionals) : [];
        message = new()
        {
            IsResponse = dns.IsResponse,
            Services = [.. records.SelectMany(ServicesOf).Distinct()],
            Instances = [.. records.Where(IsInstance).Select(record => Encoding.UTF8.GetString(record.Name.FirstLabel)).Distinct()],
            Properties = [.. records.SelectMany(PropertiesOf).Distinct()],
            Hosts = [.. records.Where(record => record.Data is DnsAddress).Select(record => record.Name.ToLowerString()).Distinct()],
            Asked = [.. dns.Questions.Select(question => ServiceOf(question.Name)).OfType<string>().Distinct()],
        };
        return true;
    }

    private static IEnumerable<string> ServicesOf(DnsRecord record)
    {
        // A pointer from the list of all types leads to a type (RFC 6763, 9); one from a type leads to an instance of it.
        if (record.Data is DnsPointer pointer && ServiceOf(record.Name == _enumeration ? pointer.Target : record.Name) is { } listed) yield return listed;
        if (record.Data is DnsService or DnsText && ServiceOf(record.Name.Parent) is { } offered) yield return offered;
    }

    private static bool IsInstance(DnsRecord record) => record.Data is DnsService or DnsText && ServiceOf(record.Name.Parent) is not null;

    private static IEnumerable<KeyValuePair<string, string>> PropertiesOf(DnsRecord record)
    {
        if (record.Data is not DnsText text) yield break;
        foreach (var item in text.Strings)
        {
            var property = Encoding.UTF8.GetString(item.Span);
            var equals = property.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) yield return new(property[..equals].ToLowerInvariant(), property[(equals + 1)..]);
        }
    }

    // <service>._tcp.local or ._udp.local, with a leading underscore (RFC 6763, 4.1.2); everything else is a host or another domain's.
    private static string? ServiceOf(DnsName name)
    {
        if (name.LabelCount != 3 || !name.IsBelow(_local) || name.FirstLabel is not [(byte)'_', ..]) return null;
        var text = name.ToLowerString();
        return text.EndsWith("._tcp.local", StringComparison.Ordinal) || text.EndsWith("._udp.local", StringComparison.Ordinal) ? text[..^".local".Length] : null;
    }
}
