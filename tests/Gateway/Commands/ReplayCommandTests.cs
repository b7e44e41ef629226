using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace Gatehouse.Tests.Gateway.Commands;

/// <summary><c>gatehouse replay</c> as a program: what it prints, and how it ends.</summary>
public sealed class ReplayCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-replay-").FullName;

    [Fact]
    public void With_json_every_line_is_an_object_and_the_last_is_the_summary()
    {
        var (code, output, errors) = Replay("--json", Lab.SharedData("watch/composite/g05-kaiten-irc.pcap.gz"));

        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal((0, ""), (code, errors));
        var finding = lines.First(line => line.GetProperty("type").GetString() == "finding");
        Assert.Equal(("c2.irc", "c2", "00:17:88:24:76:ff", "suspected"), (Text(finding, "rule"), Text(finding, "kind"), Text(finding, "mac"), Text(finding, "certainty")));
        Assert.Equal(1741040040.130599m, finding.GetProperty("time").GetDecimal());
        Assert.InRange(finding.GetProperty("evidence").GetProperty("packets").GetArrayLength(), 1, 5);
        Assert.Contains("1 lines of chat", finding.GetProperty("evidence").GetProperty("counted").GetString(), StringComparison.Ordinal);

        var summary = lines[^1];
        Assert.Equal(("summary", 28_667, 14), (Text(summary, "type"), summary.GetProperty("packets").GetInt64(), summary.GetProperty("devices").GetInt64()));
        Assert.All(["bytes", "seconds", "cpu_seconds", "peak_rss_bytes"], name => Assert.True(summary.GetProperty(name).GetDouble() > 0));
        Assert.All(lines.SkipLast(1), line => Assert.Contains(Text(line, "type"), new[] { "finding", "update", "end" }));
    }

    [Fact]
    public void What_was_readable_of_a_truncated_capture_is_judged_and_the_exit_code_is_3()
    {
        var whole = Lab.SharedData("watch/composite/g09-ssdp-reflector.pcap.gz");
        var cut = Path.Combine(_folder, "cut.pcap.gz");
        File.WriteAllBytes(cut, File.ReadAllBytes(whole)[..^400_000]);

        var (code, output, errors) = Replay("--json", cut);

        Assert.Equal(3, code);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("\"rule\":\"reflector.service\"", output, StringComparison.Ordinal);
        Assert.Contains("\"type\":\"summary\"", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_missing_or_no_capture_is_named_and_the_others_are_judged()
    {
        var text = Path.Combine(_folder, "notes.txt");
        File.WriteAllText(text, "not a capture at all");

        var (code, output, errors) = Replay("--json", Path.Combine(_folder, "missing.pcap"), text, Lab.SharedData("watch/real-malicious/slips-icmp-scan.pcap.gz"));

        Assert.Equal(3, code);
        Assert.Equal(2, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("\"rule\":\"scan.lan\"", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_class_that_is_given_wins()
    {
        var capture = Lab.SharedData("watch/real-malicious/slips-icmp-scan.pcap.gz");

        Assert.Contains("scan.lan", Replay(capture).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("scan.lan", Replay(capture, "--class", "50:ed:3c:39:bc:d9=computer").Output, StringComparison.Ordinal);
        Assert.Equal(2, Replay(capture, "--class", "50:ed:3c:39:bc:d9=toaster").Code);
    }

    [Fact]
    public void The_order_of_the_files_is_kept_and_the_time_between_them_may_be_years()
    {
        var (code, output, _) = Replay("--json", Lab.SharedData("watch/real-malicious/ssh-hydra.pcap.gz"), Lab.SharedData("watch/real-malicious/nmap-synscan.pcap.gz"));

        var rules = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => Text(line, "type") == "finding").Select(line => Text(line, "rule")).ToList();
        Assert.Equal((0, "bruteforce.outbound"), (code, rules[0]));
        Assert.Contains("scan.login", rules);
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static (int Code, string Output, string Errors) Replay(params string[] arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "gatehouse.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program, "replay", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
