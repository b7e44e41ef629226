using System.Net;
using System.Text;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Wire;

public sealed class DnsTests
{
    private static readonly byte[] Header = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0];

    /// <summary>A CNAME and two addresses, names compressed as a resolver writes them.</summary>
    private static readonly byte[] Answer =
    [
        0x12, 0x34, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 1, // id, QR RD RA, one question, two answers, one additional
        5, .. "cloud"u8, 7, .. "example"u8, 0, 0, 1, 0, 1, // at 12: cloud.example A IN
        0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 6, 3, .. "cdn"u8, 0xC0, 18, // cloud.example CNAME cdn.example; cdn at 43
        0xC0, 43, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 203, 0, 113, 9, // cdn.example A 203.0.113.9
        0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 8, 0, 15, 0, 4, 0, 17, (byte)'n', (byte)'o', // OPT 1232, extended error Filtered "no"
    ];

    [Fact]
    public void Answer_is_read_whole()
    {
        Assert.True(DnsMessage.TryParse(Answer, out var message));

        Assert.Equal(0x1234, message.Id);
        Assert.True(message is { IsResponse: true, RecursionDesired: true, RecursionAvailable: true, IsTruncated: false });
        Assert.Equal(new DnsQuestion(DnsName.Parse("cloud.example"), DnsType.A, DnsQuestion.Internet), Assert.Single(message.Questions));
        Assert.Equal("cdn.example", Assert.IsType<DnsPointer>(message.Answers[0].Data).Target.ToString());
        Assert.Equal("203.0.113.9", Assert.IsType<DnsAddress>(message.Answers[1].Data).Address.ToString());
        Assert.Equal(30u, message.Answers[1].Ttl);
        Assert.Equal(new DnsEdns(1232, Error: new(DnsExtendedErrorCode.Filtered, "no")), message.Edns);
    }

    public static TheoryData<int> PrefixLengths => new(Enumerable.Range(0, Answer.Length));

    [Theory, MemberData(nameof(PrefixLengths))]
    public void Every_prefix_is_refused(int length) => Assert.False(DnsMessage.TryParse(Answer.AsSpan(0, length), out _));

    public static TheoryData<string, byte[]> Malformed => new()
    {
        { "pointer to itself", [.. Header, 0xC0, 12, 0, 1, 0, 1] },
        { "pointer forward", [.. Header, 0xC0, 18, 0, 1, 0, 1, 0] },
        { "pointer into the header", [.. Header, 0xC0, 4, 0, 1, 0, 1] },
        { "pointer past the end", [.. Header, 0xFF, 0xFF, 0, 1, 0, 1] },
        { "half a pointer", [.. Header, 0xC0] },
        { "label then pointer back to that label: a loop that grows", [.. Header, 1, (byte)'a', 0xC0, 12, 0, 1, 0, 1] },
        { "label type 0x40", [.. Header, 0x41, 0, 0, 1, 0, 1] },
        { "label type 0x80", [.. Header, 0x81, 0, 0, 1, 0, 1] },
        { "name of 256 bytes", [.. Header, .. LongName(256), 0, 1, 0, 1] },
        { "answer counted but not there", [.. Answer.AsSpan(0, 6), 0, 3, 0, 0, 0, 1, .. Answer.AsSpan(12)] },
        { "more records than anybody needs", [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] },
        { "A record of five bytes", Record(DnsType.A, [1, 2, 3, 4, 5]) },
        { "A record of three bytes", Record(DnsType.A, [1, 2, 3]) },
        { "AAAA record of four bytes", Record(DnsType.AAAA, [1, 2, 3, 4]) },
        { "CNAME with a byte behind its name", Record(DnsType.CNAME, [1, (byte)'a', 0, 0]) },
        { "CNAME whose name leaves its data", Record(DnsType.CNAME, [5, (byte)'a']) },
        { "SRV without a target", Record(DnsType.SRV, [0, 0, 0, 0, 0, 80]) },
        { "TXT string longer than its data", Record(DnsType.TXT, [9, (byte)'a']) },
        { "SOA cut short", Record(DnsType.SOA, [0, 0, 0, 0, 0, 0]) },
        { "OPT among the answers", Record(DnsType.OPT, []) },
        { "two OPT records", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, .. Opt(), .. Opt()] },
        { "OPT that is not at the root", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, (byte)'a', .. Opt()] },
        { "EDNS option past its end", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 4, 0, 3, 0, 9] },
        { "extended error of one byte", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 5, 0, 15, 0, 1, 7] },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void Malformed_message_is_refused(string why, byte[] bytes) => Assert.False(DnsMessage.TryParse(bytes, out _), why);

    [Fact]
    public void Name_of_255_bytes_is_read()
    {
        Assert.True(DnsMessage.TryParse([.. Header, .. LongName(255), 0, 1, 0, 1], out var message));

        Assert.Equal(255, message.Questions[0].Name.Wire.Length);
        Assert.Equal(message.Questions[0].Name, DnsName.Parse(message.Questions[0].Name.ToString()));
    }

    [Fact]
    public void Longest_chain_of_pointers_costs_little_and_is_read_or_refused()
    {
        // Each name is one label and a pointer to the name before it: the name grows by two bytes per record, and 255 is the end.
        List<byte> bytes = [0, 0, 0x80, 0, 0, 0, 0x03, 0xE8, 0, 0, 0, 0, 1, (byte)'a', 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4];
        var previous = 12;
        for (var i = 1; i < 1000; i++)
        {
            var at = bytes.Count;
            bytes.AddRange([1, (byte)'a', (byte)(0xC0 | previous >> 8), (byte)(previous & 0xFF), 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]);
            previous = at;
        }

        Assert.False(DnsMessage.TryParse(bytes.ToArray(), out _));
    }

    public static TheoryData<string, DnsMessage> Messages => new()
    {
        { "question", new() { Id = 7, RecursionDesired = true, Questions = [new(DnsName.Parse("a.example"), DnsType.A, 1)], Edns = new(1232) } },
        { "every flag", new() { IsResponse = true, Opcode = 2, IsAuthoritative = true, IsTruncated = true, RecursionAvailable = true, AuthenticData = true, CheckingDisabled = true, ResponseCode = DnsResponseCode.Refused, ExtendedResponseCode = 1, Edns = new(512, 0, true) } },
        { "mDNS announcement", new()
            {
                IsResponse = true, IsAuthoritative = true,
                Answers =
                [
                    new(DnsName.Parse("_http._tcp.local"), DnsType.PTR, 1, 4500, new DnsPointer(DnsName.Parse("Tea\\.maker\\032\\195\\169._http._tcp.local"))),
                    new(DnsName.Parse("Tea\\.maker\\032\\195\\169._http._tcp.local"), DnsType.SRV, 0x8001, 120, new DnsService(0, 0, 80, DnsName.Parse("tea.local"))),
                    new(DnsName.Parse("Tea\\.maker\\032\\195\\169._http._tcp.local"), DnsType.TXT, 0x8001, 4500, new DnsText(["fw=1.2"u8.ToArray(), Array.Empty<byte>()])),
                ],
                Additionals = [new(DnsName.Parse("tea.local"), DnsType.AAAA, 0x8001, 120, new DnsAddress(IPAddress.Parse("fe80::1")))],
            }
        },
        { "refusal with its reason", new()
            {
                IsResponse = true, ResponseCode = DnsResponseCode.NameError, Questions = [new(DnsName.Parse("x.example"), DnsType.A, 1)],
                Authorities = [new(DnsName.Parse("example"), DnsType.SOA, 1, 60, new DnsStartOfAuthority(DnsName.Parse("ns.example"), DnsName.Parse("h.example"), 1, 2, 3, 4, 5))],
                Edns = new(1232, Error: new(DnsExtendedErrorCode.Blocked, "Not allowed.")),
            }
        },
        { "mail and an unknown type", new()
            {
                IsResponse = true,
                Answers =
                [
                    new(DnsName.Parse("example"), DnsType.MX, 1, 1, new DnsMailExchange(10, DnsName.Parse("mx.example"))),
                    new(DnsName.Root, (DnsType)65280, 1, uint.MaxValue, new DnsOpaque(new byte[] { 1, 2, 3 })),
                ],
            }
        },
    };

    [Theory, MemberData(nameof(Messages))]
    public void What_is_written_is_read_again(string what, DnsMessage message)
    {
        Span<byte> first = stackalloc byte[2048];
        Assert.True(message.TryWrite(first, out var length), what);

        Assert.True(DnsMessage.TryParse(first[..length], out var read), what);
        Span<byte> second = stackalloc byte[2048];
        Assert.True(read.TryWrite(second, out var again), what);

        Assert.Equal(first[..length], second[..again]);
        Assert.Equal(message.Edns, read.Edns);
    }

    [Theory, MemberData(nameof(Messages))]
    public void Message_that_does_not_fit_is_not_written(string what, DnsMessage message)
    {
        Span<byte> buffer = stackalloc byte[2048];
        message.TryWrite(buffer, out var length);

        for (var size = 0; size < length; size++) Assert.False(message.TryWrite(buffer[..size], out _), what);
    }

    [Fact]
    public void Repeated_names_are_compressed()
    {
        Assert.True(DnsMessage.TryParse(Answer, out var message));
        var written = new byte[Answer.Length];

        Assert.True(message.TryWrite(written, out _));

        Assert.Equal(Answer, written);
    }

    public static TheoryData<string, string> GoodNames => new()
    {
        { "Cloud.Example", "Cloud.Example" }, { "cloud.example.", "cloud.example" }, { ".", "." }, { "a\\.b.c", "a\\.b.c" },
        { "\\065.x", "A.x" }, { "a b", "a\\032b" }, { "\\010", "\\010" }, { "_http._tcp.local", "_http._tcp.local" }, { "é", "\\195\\169" },
    };

    [Theory, MemberData(nameof(GoodNames))]
    public void Name_in_text_is_read(string text, string expected)
    {
        Assert.True(DnsName.TryParse(text, out var name));
        Assert.Equal(expected, name.ToString());
    }

    public static TheoryData<string> BadNames => new() { "", "..", ".a", "a..b", new string('a', 64), "a\\", "\\25", "\\256", string.Join('.', Enumerable.Repeat(new string('a', 63), 4)) };

    [Theory, MemberData(nameof(BadNames))]
    public void Text_that_is_no_name_is_refused(string text) => Assert.False(DnsName.TryParse(text, out _), text);

    [Fact]
    public void Names_are_equal_without_case_and_ordered_by_labels()
    {
        var name = DnsName.Parse("A.Cloud.Example");

        Assert.Equal(name, DnsName.Parse("a.cloud.exAMPLE"));
        Assert.Equal(name.GetHashCode(), DnsName.Parse("a.cloud.example").GetHashCode());
        Assert.True(name.IsBelow(DnsName.Parse("cloud.example")));
        Assert.True(name.IsBelow(DnsName.Root));
        Assert.False(name.IsBelow(name));
        Assert.False(DnsName.Parse("evilcloud.example").IsBelow(DnsName.Parse("cloud.example")));
        Assert.False(DnsName.Parse("a\\.cloud.example").IsBelow(DnsName.Parse("cloud.example")));
        Assert.Equal((3, "A"), (name.LabelCount, Encoding.UTF8.GetString(name.FirstLabel)));
    }

    [Fact]
    public void Noise_never_throws()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = Answer.ToArray();
            for (var flips = random.Next(1, 8); flips > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var parsed = DnsMessage.TryParse(bytes, out var message);
            if (parsed) Assert.True(message!.TryWrite(new byte[65535], out _), $"seed {seed}, round {i}");
        }
    }

    private static byte[] Record(DnsType type, byte[] data) =>
        [0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, (byte)type, 0, 1, 0, 0, 0, 0, 0, (byte)data.Length, .. data];

    private static byte[] Opt() => [0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0];

    private static byte[] LongName(int size)
    {
        var wire = new List<byte>();
        while (wire.Count + 1 < size)
        {
            var label = Math.Min(63, size - wire.Count - 2);
            wire.Add((byte)label);
            wire.AddRange(Enumerable.Repeat((byte)'x', label));
        }

        wire.Add(0);
        Assert.Equal(size, wire.Count);
        return [.. wire];
    }
}
