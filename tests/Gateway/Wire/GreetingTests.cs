using System.Text;
using Gatehouse.Tests.Gateway.See;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Wire;

/// <summary>DHCP, SSDP, HTTP heads, TLS hellos, mDNS: what devices say of themselves. Valid messages, every prefix of them, and tables of lies.</summary>
public sealed class GreetingTests
{
    private static readonly MacAddress Mac = MacAddress.Parse("02:00:00:00:00:01");

    // --- DHCP

    [Fact]
    public void A_DHCP_request_is_read()
    {
        var bytes = Frames.Dhcp(Mac, 3, (12, "plug"u8.ToArray()), (55, [1, 3, 6]), (60, "udhcp 1.36"u8.ToArray()));

        Assert.True(DhcpMessage.TryParse(bytes, out var message));
        Assert.Equal((true, DhcpMessageType.Request, Mac, 7u), (message.IsFromClient, message.Type, message.ClientMac, message.TransactionId));
        Assert.Equal("plug", Option(message, DhcpOptionCode.HostName));
        Assert.Equal("udhcp 1.36", Option(message, DhcpOptionCode.VendorClass));
        Assert.Null(Option(message, DhcpOptionCode.MudUrl));
    }

    [Fact]
    public void An_option_in_pieces_is_put_together()
    {
        Assert.True(DhcpMessage.TryParse(Frames.Dhcp(Mac, 1, (60, "udh"u8.ToArray()), (12, "x"u8.ToArray()), (60, "cp"u8.ToArray())), out var message));
        Assert.Equal("udhcp", Option(message, DhcpOptionCode.VendorClass));
    }

    [Fact]
    public void Options_go_on_in_the_file_field_where_the_message_says_so()
    {
        var bytes = Frames.Dhcp(Mac, 1, (52, [1]));
        new byte[] { 12, 4, (byte)'p', (byte)'l', (byte)'u', (byte)'g', 255 }.CopyTo(bytes, FileOffset);

        Assert.True(DhcpMessage.TryParse(bytes, out var message));
        Assert.Equal("plug", Option(message, DhcpOptionCode.HostName));
    }

    [Fact]
    public void Without_that_the_file_field_is_a_name_and_not_options()
    {
        var bytes = Frames.Dhcp(Mac, 1);
        new byte[] { 12, 4, (byte)'p', (byte)'l', (byte)'u', (byte)'g', 255 }.CopyTo(bytes, FileOffset);

        Assert.True(DhcpMessage.TryParse(bytes, out var message));
        Assert.Null(Option(message, DhcpOptionCode.HostName));
    }

    private const int FileOffset = 28 + 16 + 64;
    private const int OptionsOffset = FileOffset + 128 + 4;

    public static TheoryData<string, byte[]> BadDhcp => new()
    {
        { "empty", [] },
        { "neither request nor reply", With(0, 3) },
        { "not Ethernet", With(1, 6) },
        { "a hardware address of 16 bytes", With(2, 16) },
        { "another cookie", With(OptionsOffset - 1, 0x64) },
        { "message type of no length", With(OptionsOffset + 1, 0) },
        { "message type 0", With(OptionsOffset + 2, 0) },
        { "message type 200", With(OptionsOffset + 2, 200) },
        { "no message type", With(OptionsOffset, 54) },
        { "an option past the end", Frames.Dhcp(Mac, 1, (12, "plug"u8.ToArray()))[..^1] is var cut ? [.. cut[..^5], 200, .. cut[^4..]] : [] },
        { "no end option", Frames.Dhcp(Mac, 1)[..^1] },
        { "two message types", Frames.Dhcp(Mac, 1, (53, [2])) },
        { "overload says 4", Frames.Dhcp(Mac, 1, (52, [4])) },
        { "overload of two bytes", Frames.Dhcp(Mac, 1, (52, [1, 1])) },
        { "overloaded file without an end", Frames.Dhcp(Mac, 1, (52, [1])) },
    };

    [Theory, MemberData(nameof(BadDhcp))]
    public void Bad_DHCP_is_refused(string why, byte[] bytes) => Assert.False(DhcpMessage.TryParse(bytes, out _), why);

    [Fact]
    public void An_option_longer_than_the_room_for_it_is_refused_and_not_cut()
    {
        Assert.True(DhcpMessage.TryParse(Frames.Dhcp(Mac, 1, (12, new byte[200])), out var message));
        Assert.False(message.TryGet(DhcpOptionCode.HostName, new byte[199], out _));
    }

    // --- HTTP and SSDP

    [Fact]
    public void An_HTTP_answer_is_read()
    {
        var bytes = "HTTP/1.1 401 Unauthorized\r\nServer: AnvilWeb/1.4\r\nWWW-Authenticate: Basic realm=\"DVR\"\r\nContent-Length: 2\r\n\r\nno"u8;

        Assert.True(HttpHead.TryParse(bytes, out var head));
        Assert.Equal((true, 401, "AnvilWeb/1.4", bytes.Length - 2), (head.IsResponse, head.Status, head["server"], head.Length));
    }

    [Fact]
    public void An_HTTP_request_is_read_with_bare_line_feeds_too()
    {
        Assert.True(HttpHead.TryParse("GET /a?b HTTP/1.1\nHost: x\n\n"u8, out var head));
        Assert.Equal(("GET", "/a?b", "x", 0), (head.Method, head.Target, head["Host"], head.Status));
    }

    public static TheoryData<string, string> BadHttp => new()
    {
        { "empty", "" },
        { "not finished", "GET / HTTP/1.1\r\nHost: x\r\n" },
        { "no version", "GET /\r\n\r\n" },
        { "a method that is no token", "G@T / HTTP/1.1\r\n\r\n" },
        { "status of letters", "HTTP/1.1 abc\r\n\r\n" },
        { "status of two digits", "HTTP/1.1 20 OK\r\n\r\n" },
        { "a name with a blank before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n" },
        { "a folded line", "GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n" },
        { "no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n" },
        { "a zero byte", "GET / HTTP/1.1\r\nHost: \0\r\n\r\n" },
        { "a return within a line", "GET / HTTP/1.1\r\nA: b\rc: d\r\n\r\n" },
        { "more fields than allowed", "GET / HTTP/1.1\r\n" + string.Concat(Enumerable.Repeat("A: b\r\n", HttpHead.MaxHeaders + 1)) + "\r\n" },
        { "longer than allowed", "GET / HTTP/1.1\r\nA: " + new string('b', HttpHead.MaxBytes) + "\r\n\r\n" },
    };

    [Theory, MemberData(nameof(BadHttp))]
    public void A_bad_HTTP_head_is_refused(string why, string text) => Assert.False(HttpHead.TryParse(Encoding.Latin1.GetBytes(text), out _), why);

    [Fact]
    public void An_SSDP_announcement_is_read()
    {
        Assert.True(SsdpMessage.TryParse(SsdpAlive, out var message));
        Assert.Equal(new SsdpMessage(SsdpKind.Alive, "urn:Belkin:device:controllee:1", "uuid:1", "Unspecified, UPnP/1.0, Unspecified", null, "http://192.0.2.1:49153/setup.xml"), message);
    }

    private static byte[] SsdpAlive { get; } =
        "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nLOCATION: http://192.0.2.1:49153/setup.xml\r\nNT: urn:Belkin:device:controllee:1\r\nNTS: ssdp:alive\r\nSERVER: Unspecified, UPnP/1.0, Unspecified\r\nUSN: uuid:1\r\n\r\n"u8.ToArray();

    [Theory]
    [InlineData("M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n", SsdpKind.Search)]
    [InlineData("HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\n\r\n", SsdpKind.Answer)]
    [InlineData("NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\n\r\n", SsdpKind.ByeBye)]
    [InlineData("NOTIFY /x HTTP/1.1\r\nNTS: ssdp:alive\r\n\r\n", null)]
    [InlineData("M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n", null)]
    [InlineData("HTTP/1.1 404 Not\r\nST: x\r\n\r\n", null)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", null)]
    public void SSDP_kinds_are_told_apart(string text, SsdpKind? kind)
    {
        Assert.Equal(kind is not null, SsdpMessage.TryParse(Encoding.Latin1.GetBytes(text), out var message));
        Assert.Equal(kind, message?.Kind);
    }

    // --- TLS

    [Fact]
    public void A_TLS_hello_is_read()
    {
        Assert.True(TlsClientHello.TryParse(Hello(), out var hello));

        Assert.Equal((ushort)0x0304, hello.Version);
        Assert.Equal([0x1301, 0xC02F], hello.CipherSuites);
        Assert.Equal([0, 16, 13, 43], hello.Extensions);
        Assert.Equal("cloud.example", hello.ServerName);
        Assert.Equal(["h2", "http/1.1"], hello.Protocols);
        Assert.True(hello.HasGrease);
        Assert.False(hello.IsCut);
    }

    [Fact]
    public void The_summary_does_not_depend_on_the_order_of_extensions_nor_on_GREASE()
    {
        Assert.True(TlsClientHello.TryParse(Hello(), out var one));
        Assert.True(TlsClientHello.TryParse(Hello(grease: false, reversed: true), out var other));

        Assert.StartsWith("t13d0204h2_", one.Summary, StringComparison.Ordinal);
        Assert.Equal(one.Summary, other.Summary);
    }

    // The example of FoxIO's technical details of JA4 (a Chrome hello), rebuilt from the values listed there.
    [Fact]
    public void The_summary_is_JA4s()
    {
        ushort[] suites = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035];
        ushort[] algorithms = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
        ushort[] plain = [0x001b, 0x0033, 0x4469, 0x0017, 0x002d, 0x0005, 0x0023, 0x0012, 0x000b, 0x000a, 0xff01, 0x0015];
        var bytes = Hello(suites,
        [
            (0, ServerName("cloud.example")), (16, Protocols("h2")), (13, Sized16([.. algorithms.SelectMany(value => Frames.UInt16(value))])),
            (43, Sized8([.. Frames.UInt16(0x0304), .. Frames.UInt16(0x0303)])), .. plain.Select(type => (type, Array.Empty<byte>())),
        ]);

        Assert.True(TlsClientHello.TryParse(bytes, out var hello));
        Assert.Equal("t13d1516h2_8daaf6152771_e5627efa2ab1", hello.Summary);
    }

    [Fact]
    public void What_the_first_segment_has_of_a_longer_hello_is_read()
    {
        var whole = Hello();

        Assert.True(TlsClientHello.TryParse(whole.AsSpan(0, whole.Length - 3), out var hello));

        Assert.True(hello.IsCut);
        Assert.Equal("cloud.example", hello.ServerName);
        Assert.Null(hello.Summary);
    }

    public static TheoryData<string, byte[]> BadHellos => new()
    {
        { "empty", [] },
        { "an alert", [21, .. Hello()[1..]] },
        { "a server's hello", With(Hello(), 5, 2) },
        { "a record longer than a record can be", With(Hello(), 3, 0x7F) },
        { "a hello longer than its record", With(Hello(), 8, 0xFF) },
        { "an odd list of suites", With(Hello(), 5 + 4 + 2 + 32 + 1 + 1, 5) },
        { "no suites", Hello([], []) },
        { "an extension twice", Hello([0x1301], [(1, []), (1, [])]) },
        { "a name with a blank", Hello([0x1301], [(0, ServerName("a b"))]) },
        { "a name of no length", Hello([0x1301], [(0, ServerName(""))]) },
        { "a protocol of no length", Hello([0x1301], [(16, Sized16([0]))]) },
        { "bytes after the extensions", Lengthened(Hello()) },
    };

    [Theory, MemberData(nameof(BadHellos))]
    public void A_bad_hello_is_refused(string why, byte[] bytes) => Assert.False(TlsClientHello.TryParse(bytes, out _), why);

    // --- mDNS

    [Fact]
    public void An_mDNS_announcement_is_read()
    {
        Assert.True(MdnsMessage.TryParse(Announcement(), out var message));

        Assert.Equal(["_hap._tcp"], message.Services);
        Assert.Equal(["Kitchen lamp"], message.Instances);
        Assert.Equal([new("ci", "5"), new("md", "Lamp 1")], message.Properties);
        Assert.Equal(["lamp.local"], message.Hosts);
    }

    [Fact]
    public void What_somebody_asks_for_is_not_what_it_is()
    {
        Assert.True(MdnsMessage.TryParse(Written(new() { Questions = [new(DnsName.Parse("_ipp._tcp.local"), DnsType.PTR, 1)] }), out var message));
        Assert.Equal(["_ipp._tcp"], message.Asked);
        Assert.Empty(message.Services);
    }

    // --- every prefix of each, and random damage

    public static TheoryData<string, byte[]> Valid => new()
    {
        { "DHCP", Frames.Dhcp(Mac, 1, (12, "plug"u8.ToArray()), (60, "x"u8.ToArray())) },
        { "SSDP", SsdpAlive },
        { "TLS", Hello() },
        { "mDNS", Announcement() },
    };

    [Theory, MemberData(nameof(Valid))]
    public void No_prefix_of_a_message_reads_past_its_end(string what, byte[] bytes)
    {
        for (var length = 0; length < bytes.Length; length++) ReadAll(bytes.AsSpan(0, length));
        Assert.NotEmpty(what);
    }

    [Theory, MemberData(nameof(Valid))]
    public void Damage_is_refused_or_read_but_never_more(string what, byte[] bytes)
    {
        var random = new Random(bytes.Length);
        for (var i = 0; i < 20_000; i++)
        {
            var damaged = bytes.ToArray();
            for (var hits = random.Next(1, 4); hits > 0; hits--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            ReadAll(damaged);
        }

        Assert.NotEmpty(what);
    }

    private static void ReadAll(ReadOnlySpan<byte> bytes)
    {
        if (DhcpMessage.TryParse(bytes, out var dhcp)) dhcp.TryGet(DhcpOptionCode.HostName, new byte[16], out _);
        _ = SsdpMessage.TryParse(bytes, out _);
        _ = HttpHead.TryParse(bytes, out _);
        if (TlsClientHello.TryParse(bytes, out var hello)) _ = hello.Summary;
        _ = MdnsMessage.TryParse(bytes, out _);
    }

    private static string? Option(DhcpMessage message, DhcpOptionCode code)
    {
        var value = new byte[DhcpMessage.MaxOptionBytes];
        return message.TryGet(code, value, out var length) ? Encoding.UTF8.GetString(value.AsSpan(0, length)) : null;
    }

    private static byte[] With(int at, byte value) => With(Frames.Dhcp(Mac, 1), at, value);

    private static byte[] With(byte[] bytes, int at, byte value)
    {
        bytes[at] = value;
        return bytes;
    }

    private static byte[] Hello(bool grease = true, bool reversed = false)
    {
        (ushort, byte[])[] extensions =
        [
            (0, ServerName("cloud.example")), (16, Protocols("h2", "http/1.1")),
            (13, Sized16([.. Frames.UInt16(0x0403), .. Frames.UInt16(0x0804)])),
            (43, Sized8([.. grease ? Frames.UInt16(0x8A8A) : [], .. Frames.UInt16(0x0304), .. Frames.UInt16(0x0303)])),
        ];
        if (reversed) Array.Reverse(extensions);
        return Hello(grease ? [0x1A1A, 0x1301, 0xC02F] : [0x1301, 0xC02F], grease ? [(0x2A2A, []), .. extensions] : extensions);
    }

    private static byte[] Hello(ushort[] suites, (ushort Type, byte[] Data)[] extensions)
    {
        byte[] body =
        [
            3, 3, .. new byte[32], 0, // version, random, session id
            .. Sized16([.. suites.SelectMany(value => Frames.UInt16(value))]),
            1, 0, // compression: none
            .. Sized16([.. extensions.SelectMany(extension => (byte[])[.. Frames.UInt16(extension.Type), .. Sized16(extension.Data)])]),
        ];
        return [22, 3, 1, .. Sized16([1, 0, .. Sized16(body)])];
    }

    // One byte more in the body, all outer lengths right.
    private static byte[] Lengthened(byte[] hello)
    {
        byte[] body = [.. hello[9..], 0];
        return [22, 3, 1, .. Sized16([1, 0, .. Sized16(body)])];
    }

    private static byte[] ServerName(string name) => Sized16([0, .. Sized16(Encoding.ASCII.GetBytes(name))]);

    private static byte[] Protocols(params string[] names) => Sized16([.. names.SelectMany(name => Sized8(Encoding.ASCII.GetBytes(name)))]);

    private static byte[] Sized8(byte[] bytes) => [(byte)bytes.Length, .. bytes];

    private static byte[] Sized16(byte[] bytes) => [.. Frames.UInt16(bytes.Length), .. bytes];

    private static byte[] Announcement()
    {
        var service = DnsName.Parse("_hap._tcp.local");
        Assert.True(service.TryPrepend("Kitchen lamp"u8, out var instance));
        var host = DnsName.Parse("lamp.local");
        return Written(new()
        {
            IsResponse = true,
            Answers = [new(service, DnsType.PTR, 1, 120, new DnsPointer(instance))],
            Additionals =
            [
                new(instance, DnsType.SRV, 1, 120, new DnsService(0, 0, 51826, host)),
                new(instance, DnsType.TXT, 1, 120, new DnsText(["ci=5"u8.ToArray(), "md=Lamp 1"u8.ToArray(), "flag"u8.ToArray()])),
                new(host, DnsType.A, 1, 120, new DnsAddress(System.Net.IPAddress.Parse("192.0.2.9"))),
            ],
        });
    }

    private static byte[] Written(DnsMessage message)
    {
        var bytes = new byte[1500];
        Assert.True(message.TryWrite(bytes, out var written));
        return bytes[..written];
    }
}
