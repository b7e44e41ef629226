using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Gatehouse.Home;
using Gatehouse.Wire;

namespace Gatehouse.Watch;

/// <summary>Puts a verdict in words: the same on the console, in JSON and in the journal.</summary>
public static class VerdictText
{
    public static string SentenceOf(in Verdict verdict) => Rule.Of(verdict.Rule).Sentence;

    /// <summary>What was counted, the limit, since when, sample packets.</summary>
    public static ImmutableArray<EvidenceItem> EvidenceOf(in Verdict verdict)
    {
        var rule = Rule.Of(verdict.Rule);
        var seconds = Math.Max(0, verdict.Time - verdict.Since) / 1e9;
        var items = ImmutableArray.CreateBuilder<EvidenceItem>();
        items.Add(new("counted", Text($"{verdict.Count} {rule.Unit} in {seconds:0.###} s")));
        items.Add(new("limit", Text($"level {verdict.Level:0.#} of {verdict.Limit:0.#}, falling by {rule.Drift:0.###} a second")));
        items.Add(new("since", TimeOf(verdict.Since).ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)));
        items.Add(new("certainty", verdict.Certainty == Certainty.Certain ? "certain" : "suspected"));
        for (var i = 0; i < verdict.SampleCount; i++) items.Add(new("packet", SampleText(verdict.Samples[i])));
        return items.ToImmutable();
    }

    public static DateTimeOffset TimeOf(long nanoseconds) => DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100);

    private static string SampleText(in Sample sample)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{TimeOf(sample.Time):HH:mm:ss.ffffff} {ProtocolText(sample.Protocol)} {EndText(sample.Source, sample.SourcePort)} > {EndText(sample.Destination, sample.DestinationPort)}");
        if (sample.Protocol == IpProtocol.Tcp) text.Append(CultureInfo.InvariantCulture, $" [{FlagText(sample.Flags)}]");
        return text.Append(CultureInfo.InvariantCulture, $" {sample.Length} bytes").ToString();
    }

    private static string ProtocolText(IpProtocol protocol) => protocol switch
    {
        IpProtocol.Tcp => "tcp",
        IpProtocol.Udp => "udp",
        IpProtocol.Icmp or IpProtocol.IcmpV6 => "icmp",
        IpProtocol.Gre => "gre",
        _ => Text($"protocol {(byte)protocol}"),
    };

    private static string EndText(InternetAddress address, ushort port) =>
        port == 0 ? address.ToString() : address.IsIpv4 ? Text($"{address}:{port}") : Text($"[{address}]:{port}");

    private static string FlagText(TcpFlags flags) => flags == TcpFlags.None ? "none" : flags.ToString().Replace(", ", "+", StringComparison.Ordinal).ToUpperInvariant();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
