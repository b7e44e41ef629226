using System.Text;
using Gatehouse.Mend.Credentials.TelnetPasswd;
using Gatehouse.Mend.Drivers;
using Gatehouse.Mend.Drivers.Swupdate;
using Gatehouse.Mend.Drivers.Tasmota;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend.Drivers;

/// <summary>The parsers of what devices answer, on answers that are sound, cut, or made to harm.</summary>
public sealed class DeviceAnswerTests
{
    // As Tasmota 12.1.1 sends it.
    private const string Status2 =
        """{"StatusFWR":{"Version":"12.1.1(tasmota)","BuildDateTime":"2022-08-25T11:36:27","Boot":31,"Core":"2_7_4_9","SDK":"2.2.2-dev(38a443e)","CpuFrequency":80,"Hardware":"ESP8266EX","CR":"363/699"}}""";

    public static TheoryData<string, string> NoStatus => new()
    {
        { "empty", "" },
        { "no JSON", "12.1.1" },
        { "a list", "[]" },
        { "another answer", """{"StatusNET":{}}""" },
        { "no version in it", """{"StatusFWR":{}}""" },
        { "a version that is a number", """{"StatusFWR":{"Version":12}}""" },
        { "a version that is no version", """{"StatusFWR":{"Version":"; rm -rf /"}}""" },
        { "a version that is only a build name", """{"StatusFWR":{"Version":"(tasmota)"}}""" },
        { "nested without end", new string('[', 5000) },
        { "a version that is not UTF-8 (found by fuzzing)", "{\"StatusFWR\":{\"Version\":\"12.1.1(\u00c3smota)\"}}" },
        { "half a surrogate pair", "{\"StatusFWR\":{\"Version\":\"12.1.1\\ud800\"}}" },
        { "a member twice is not two versions", """{"StatusFWR":"1","StatusFWR":["2"]}""" },
    };

    [Fact]
    public void Tasmotas_version_is_read_without_the_name_of_the_build()
    {
        Assert.True(TasmotaMessages.TryReadVersion(Encoding.UTF8.GetBytes(Status2), out var version));
        Assert.Equal("12.1.1", version.Text);
    }

    [Theory, MemberData(nameof(NoStatus))]
    public void An_answer_without_a_version_is_none(string why, string answer) =>
        Assert.False(TasmotaMessages.TryReadVersion(Encoding.Latin1.GetBytes(answer), out _), why);

    [Fact]
    public void Every_beginning_of_Tasmotas_answer_is_refused()
    {
        var whole = Encoding.UTF8.GetBytes(Status2);
        for (var length = 0; length < whole.Length; length++) Assert.False(TasmotaMessages.TryReadVersion(whole.AsMemory(0, length), out _));
    }

    [Theory]
    [InlineData("<div><b>Upload <font color='#ff5661'>Failed</font></b><br><br>Not enough space</div><br><form>", "\"Upload Failed Not enough space\"")]
    [InlineData("<div style='text-align:center;'><b>Upload <font color='#008000'>Successful</font></b><br></div>", "\"Upload Successful\"")]
    [InlineData("<b>no end", "\"no end\"")]
    [InlineData("<b></b>", null)]
    [InlineData("plain", null)]
    [InlineData("<b>\u001b[31mred \"quoted\"</b>", "\"?[31mred ?quoted?\"")]
    public void What_the_upload_page_says_is_shown_without_its_markup(string page, string? remark) => Assert.Equal(remark, TasmotaMessages.ReadRemark(page));

    [Theory]
    [InlineData("1.0.0\n", "1.0.0")]
    [InlineData("  2.1 \r\n", "2.1")]
    [InlineData("<html>1.0.0</html>", null)]
    [InlineData("1.0.0 beta", null)]
    [InlineData("", null)]
    public void A_recorders_version_page_is_a_version_and_nothing_else(string page, string? expected)
    {
        Assert.Equal(expected is not null, SwupdateMessages.TryReadVersion(Encoding.Latin1.GetBytes(page), out var version));
        Assert.Equal(expected, version?.Text);
    }

    [Fact]
    public void A_devices_own_text_is_one_short_line()
    {
        var quoted = DeviceText.Quote("a\r\nb\t\u0000" + new string('x', 5000));

        Assert.StartsWith("\"a??b??xxx", quoted, StringComparison.Ordinal);
        Assert.InRange(quoted.Length, 1, 130);
    }

    // IAC DO ECHO, IAC DO NAWS, IAC WILL ECHO, IAC WILL SGA, text, IAC SB TERMINAL-TYPE SEND IAC SE, text with an escaped 255, IAC NOP
    private static readonly byte[] _telnet =
    [
        255, 253, 1, 255, 253, 31, 255, 251, 1, 255, 251, 3, (byte)'h', (byte)'i', 255, 250, 24, 1, 255, 240, (byte)'!', 255, 255, 255, 241, (byte)'.',
    ];

    [Fact]
    public void A_telnet_stream_gives_the_same_wherever_it_is_split()
    {
        for (var split = 0; split <= _telnet.Length; split++)
        {
            var (decoder, text, answer) = (new TelnetDecoder(), new List<byte>(), new List<byte>());
            decoder.Take(_telnet.AsSpan(0, split), text, answer);
            decoder.Take(_telnet.AsSpan(split), text, answer);

            Assert.Equal([(byte)'h', (byte)'i', (byte)'!', 255, (byte)'.'], text);
            // WONT ECHO, WONT NAWS, DONT ECHO, DONT SGA
            Assert.Equal([255, 252, 1, 255, 252, 31, 255, 254, 1, 255, 254, 3], answer);
        }
    }

    [Fact]
    public void A_peer_that_asks_for_options_without_end_is_answered_once_each()
    {
        var (decoder, text, answer) = (new TelnetDecoder(), new List<byte>(), new List<byte>());
        for (var i = 0; i < 100_000; i++) decoder.Take([255, i % 2 == 0 ? (byte)251 : (byte)253, (byte)(i / 2 % 256)], text, answer);

        Assert.Empty(text);
        Assert.InRange(answer.Count, 1, 3 * TelnetDecoder.MaxAnswers);
    }

    [Theory]
    [InlineData("\r\ndvr login: ", Prompt.Login)]
    [InlineData("Username: ", Prompt.Login)]
    [InlineData("Password: ", Prompt.Password)]
    [InlineData("New password: ", Prompt.Password)]
    [InlineData("Changing password for root\r\nNew password: ", Prompt.Password)]
    [InlineData("Enter new UNIX password:", Prompt.Password)]
    [InlineData("\r\n# ", Prompt.Shell)]
    [InlineData("Welcome # all >\r\nroot@dvr:~$ ", Prompt.Shell)]
    [InlineData("~ # \u001b[6n", Prompt.Shell)]
    [InlineData("\u001b[1;32mroot@dvr\u001b[0m:~$ \u001b[6n", Prompt.Shell)]
    [InlineData("~ # \u001b[6", null)]
    [InlineData("Last failed login: never\r\n# ", Prompt.Shell)]
    [InlineData("Login incorrect\r\ndvr login: ", Prompt.Login)]
    [InlineData("Login incorrect\r\n", Prompt.Refused)]
    [InlineData("passwd: password for root is unchanged\r\n# ", Prompt.Shell)]
    [InlineData("Booting", null)]
    [InlineData("", null)]
    public void A_telnet_text_is_read_from_its_end(string text, Prompt? expected) => Assert.Equal(expected, TelnetText.Read(text));

    [Fact]
    public void Random_bytes_end_no_parser()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            if (i % 3 == 0) Encoding.UTF8.GetBytes(Status2).AsSpan(0, Math.Min(bytes.Length, Status2.Length)).CopyTo(bytes);
            if (i % 3 == 0 && bytes.Length > 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                Gatehouse.Fuzz.Mend.DeviceAnswers.Run(bytes);
            }
            catch (Exception broken)
            {
                Assert.Fail($"seed {seed}: {Convert.ToHexString(bytes)}: {broken}");
            }
        }
    }
}
