using Gatehouse.Home;
using Xunit;

namespace Gatehouse.Tests.Gateway.Watch;

/// <summary>Real and composed captures of homes: what must be found, and what must not.</summary>
public sealed class CaptureTests
{
    /// <summary>Labelled malicious and not found, each with the reason why the capture cannot show it from the Thing's side.</summary>
    private static readonly Dictionary<string, string> Undecidable = new()
    {
        ["real-malicious/ddos-amp-dns-inbound.pcap.gz"] = "seen at the victim: the packets come from the Internet through its router",
        ["real-malicious/ddos-amp-snmp-inbound.pcapng.gz"] = "seen at the victim",
        ["real-malicious/ddos-syn-spoofed-inbound.pcap.gz"] = "seen at the victim",
        ["real-malicious/slips-tls-c2-67s.pcap.gz"] = "22 TLS connections in 67 s to a site that the host names in each and asks DNS for before each, all answered: an honest client looks the same",
    };

    /// <summary>What a person would have told Gatehouse, or See found out: these are computers.</summary>
    private static readonly Dictionary<string, string> Computers = new()
    {
        ["composite/gb03-pc-bittorrent.pcap.gz"] = "3c:22:fb:10:20:30",
        ["real-benign/ndpi-gnutella.pcap.gz"] = "08:00:27:e6:e5:59",
    };

    public static TheoryData<string> Malicious => [.. LabelledCaptures.Files("composite").Where(file => LabelledCaptures.Of(file).Any(label => !label.IsBenign)), .. LabelledCaptures.Files("real-malicious")];

    public static TheoryData<string> Benign =>
    [
        .. LabelledCaptures.Files("composite").Where(file => LabelledCaptures.Of(file).All(label => label.IsBenign)),
        .. LabelledCaptures.Files("real-benign"), .. LabelledCaptures.Files("local-only"),
    ];

    [Theory, MemberData(nameof(Malicious))]
    public void Every_malicious_event_is_found_and_nothing_is_held_against_the_others(string file)
    {
        var found = LabelledCaptures.Judge(Lab.SharedData("watch/" + file));
        var events = LabelledCaptures.Of(file).Where(label => !label.IsBenign).ToList();

        var missed = events.Where(label => !found.Any(one => one.Mac == label.Mac && label.Fits(one.Rule.Kind) && one.Time >= label.Start - 0.01 && one.Time <= label.End + 5));
        if (Undecidable.ContainsKey(file)) Assert.NotEmpty(missed);
        else Assert.Empty(missed);

        // Before its first event an infected Thing is as innocent as the others.
        Assert.DoesNotContain(found, one => !events.Any(label => label.Mac == one.Mac && one.Time >= label.Start - 0.01));
    }

    [Theory, MemberData(nameof(Benign))]
    public void Nothing_is_found_in_a_benign_capture(string file)
    {
        var classes = Computers.TryGetValue(file, out var mac) ? new[] { (mac, DeviceClass.Computer) } : [];

        Assert.Empty(LabelledCaptures.Judge(Lab.SharedData("watch/" + file), classes));
    }

    [Fact]
    public void A_peer_to_peer_computer_taken_for_a_Thing_is_never_cut_off() =>
        Assert.All(LabelledCaptures.Judge(Lab.SharedData("watch/real-benign/ndpi-gnutella.pcap.gz")), found => Assert.Equal(Certainty.Suspected, found.Certainty));

    [Theory, InlineData("Goumia_Coffemaker"), InlineData("Tenvis_Cam"), InlineData("Wemo_SmartPlug"), InlineData("tp-link_SmartPlug")]
    public void Nothing_is_found_in_twenty_days_of_a_real_Thing(string thing)
    {
        foreach (var day in Directory.EnumerateFiles(Lab.SharedData("week/lsif/" + thing), "*.gz")) Assert.Empty(LabelledCaptures.Judge(day));
    }

    [Fact]
    public void Findings_come_fast()
    {
        var latencies = (
            from file in Malicious.Select(row => row.Data)
            where !Undecidable.ContainsKey(file)
            let found = LabelledCaptures.Judge(Lab.SharedData("watch/" + file))
            from label in LabelledCaptures.Of(file)
            where !label.IsBenign && !file.Contains("slow-scan", StringComparison.Ordinal)
            let first = found.First(one => one.Mac == label.Mac && label.Fits(one.Rule.Kind) && one.Time >= label.Start - 0.01)
            select Math.Max(0, first.Time - label.Start)).Order().ToList();

        Assert.InRange(latencies[latencies.Count / 2], 0, 0.2);
        Assert.InRange(latencies[^1], 0, 60);
    }
}
