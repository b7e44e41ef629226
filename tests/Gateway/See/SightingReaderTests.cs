using System.Net;
using Gatehouse.See;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.See;

public sealed class SightingReaderTests
{
    private const long Second = 1_000_000_000;
    private static readonly MacAddress Plug = MacAddress.Parse("02:00:00:00:00:01");
    private static readonly MacAddress Own = MacAddress.Parse("02:00:00:00:00:fe");
    private readonly SightingReader _reader = new(IPNetwork.Parse("192.168.77.0/24"), [Own]);

    [Fact]
    public void The_first_frame_announces_a_device_whatever_it_carries()
    {
        Take(Frames.Ethernet(Plug, 0x88CC, [1, 2, 3]));

        Assert.Equal([GreetingKind.Presence], Kinds());
    }

    public static TheoryData<string, byte[]> NoDevice => new()
    {
        { "empty", [] },
        { "half a header", new byte[10] },
        { "from the gateway itself", Frames.Arp(Own, "192.168.77.1") },
        { "from a group address", Frames.Ethernet(MacAddress.Broadcast, 0x0800, []) },
        { "from nobody", Frames.Ethernet(default, 0x0800, []) },
    };

    [Theory, MemberData(nameof(NoDevice))]
    public void What_no_device_sent_announces_none(string why, byte[] frame)
    {
        Take(frame);

        Assert.True(Kinds().Count == 0, why);
    }

    [Fact]
    public void Frames_we_sent_ourselves_are_no_device()
    {
        _reader.Take(Frames.Frame(Frames.Arp(Plug, "192.168.77.9"), 1, FrameDirection.Outgoing));

        Assert.Empty(Kinds());
    }

    public static TheoryData<string, byte[], string> Greetings => new()
    {
        { "DHCP", Frames.DhcpFrame(Plug, "plug", null), "DHCP option 12: plug" },
        { "DNS question", Frames.DnsFrame(Plug, "192.168.77.9", "Cloud.Example"), "DNS name: cloud.example" },
        { "SSDP", Frames.Udp(Plug, "192.168.77.9", 50000, 1900, "NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nSERVER: X/1\r\n\r\n"u8.ToArray()), "SSDP SERVER: X/1" },
        { "HTTP request", Frames.Tcp(Plug, "192.168.77.9", 50000, 80, "GET / HTTP/1.1\r\nUser-Agent: curl/8\r\n\r\n"u8.ToArray()), "HTTP User-Agent: curl/8" },
        { "HTTP answer", Frames.Tcp(Plug, "192.168.77.9", 80, 50000, "HTTP/1.1 200 OK\r\nServer: Y/2\r\n\r\n"u8.ToArray()), "HTTP Server: Y/2" },
    };

    [Theory, MemberData(nameof(Greetings))]
    public void What_devices_say_of_themselves_is_read(string what, byte[] frame, string expected)
    {
        Take(frame);

        Assert.True(Observations().Contains(expected), what);
    }

    [Fact]
    public void A_browser_is_told_from_a_program_that_fetches()
    {
        Take(Frames.Tcp(Plug, "192.168.77.9", 50000, 80,
            "GET / HTTP/1.1\r\nHost: fence\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Language: de,en;q=0.5\r\n\r\n"u8.ToArray()));

        Assert.Contains($"HTTP greeting: {HttpGreeting.Browser}", Observations());
    }

    [Fact]
    public void A_DHCP_message_about_another_device_is_evidence_of_neither()
    {
        Take(Frames.Udp(Plug, "0.0.0.0", 68, 67, Frames.Dhcp(MacAddress.Parse("02:00:00:00:00:77"), 1, (12, "laptop"u8.ToArray()))));

        Assert.DoesNotContain("DHCP option 12: laptop", Observations());
    }

    [Fact]
    public void An_address_comes_from_ARP_alone_and_from_the_LAN_alone()
    {
        Take(Frames.Udp(Plug, "192.168.77.66", 1, 2, [0]));
        Take(Frames.Arp(Plug, "10.0.0.1"));
        Take(Frames.Arp(Plug, "0.0.0.0"));
        Take(Frames.Arp(Plug, "192.168.77.9"));

        Assert.Equal(["192.168.77.9"], Sightings().Where(sighting => sighting.Address is not null).Select(sighting => sighting.Address!.ToString()));
    }

    [Fact]
    public void One_device_cannot_fill_the_queue()
    {
        for (var i = 0; i < 10_000; i++) Take(Frames.DnsFrame(Plug, "192.168.77.9", $"a{i}.example"));

        Assert.InRange(Kinds().Count, 1, SightingReader.MessagesBurst + 2);
        Assert.True(_reader.Dropped > 0);
        Take(Frames.DhcpFrame(MacAddress.Parse("02:00:00:00:00:02"), "lamp", null));
        Assert.Contains("DHCP option 12: lamp", Observations());
    }

    [Fact]
    public void Made_up_sender_addresses_fill_neither_memory_nor_record()
    {
        for (var i = 0; i < 100_000; i++) _reader.Take(Frames.Frame(Frames.Ethernet(new(0x0200_0000_0000UL + (uint)i), 0x0800, []), Second + i * 1000));

        Assert.InRange(Kinds().Count, 1, SightingReader.NewDevicesBurst + 1);
        Assert.Empty(Kinds());
    }

    [Fact]
    public void Frames_that_tell_nothing_new_cost_no_allocation()
    {
        var frame = Frames.Tcp(Plug, "192.168.77.9", 50000, 443, new byte[1000]);
        for (var i = 0; i < 1000; i++) Take(frame);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100_000; i++) Take(frame);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void No_prefix_of_a_frame_harms()
    {
        foreach (var row in Greetings)
        {
            var (_, frame, _) = row.Data;
            for (var length = 0; length < frame.Length; length++) Take(frame[..length]);
        }

        Assert.NotNull(Observations());
    }

    [Fact]
    public void The_makers_of_prefixes_are_known()
    {
        Assert.Equal("Philips Lighting", MacVendors.BuiltIn.Find(MacAddress.Parse("00:17:88:24:76:ff")));
        Assert.Equal("Espressif", MacVendors.BuiltIn.Find(MacAddress.Parse("5c:cf:7f:07:ae:fb")));
        Assert.Equal("XEROX", MacVendors.BuiltIn.Find(MacAddress.Parse("00:00:00:00:00:01"))?.Split(' ')[0]);
        Assert.Null(MacVendors.BuiltIn.Find(MacAddress.Parse("02:17:88:24:76:ff")));
        Assert.Null(MacVendors.BuiltIn.Find(MacAddress.Parse("fc:ff:ff:24:76:ff")));
    }

    private void Take(byte[] frame) => _reader.Take(Frames.Frame(frame, Second));

    private List<Greeting> All()
    {
        var all = new List<Greeting>();
        while (_reader.Greetings.TryRead(out var greeting)) all.Add(greeting);
        return all;
    }

    private List<GreetingKind> Kinds() => All().ConvertAll(greeting => greeting.Kind);

    private List<Sighting> Sightings() => [.. All().Select(greeting => greeting.Read()).OfType<Sighting>()];

    private List<string> Observations() => [.. Sightings().SelectMany(sighting => sighting.Observations).Select(observation => $"{observation.Source}: {observation.Text}")];
}
