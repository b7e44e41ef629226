using Gatehouse.Commands;
using Gatehouse.Commands.Documents;
using Xunit;

namespace Gatehouse.Tests.Gateway.Commands;

public sealed class ConfigurationFileTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"gatehouse-{Guid.NewGuid():N}.conf");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Settings_are_the_options_of_the_command()
    {
        var file = Parse("""
            # a comment
            ; another
              lan = br0
            watch-only = yes
            packs = /a b
            packs = /c
            upstream = --odd
            """);

        Assert.Empty(file.Faults);
        Assert.Equal(["--lan=br0", "--watch-only=true", "--packs=/a b", "--packs=/c", "--upstream=--odd"], file.Arguments);
    }

    public static TheoryData<string, string> Faulty => new()
    {
        { "lan br0", "x.conf:1: 'lan br0' is not 'name = value'." },
        { "[gateway]", "x.conf:1: '[gateway]' is not 'name = value'." },
        { "\nlann = br0", "x.conf:2: there is no setting 'lann'." },
        { "lan =", "x.conf:1: 'lan' has no value" },
        { "lan = a\nlan = b", "x.conf:2: 'lan' stands in line 1 already." },
        { "watch-only = true", "x.conf:1: 'watch-only' is yes or no, not 'true'." },
        { "config = /other", "x.conf:1: there is no setting 'config'." },
    };

    [Theory, MemberData(nameof(Faulty))]
    public void A_faulty_line_is_named(string text, string fault) => Assert.StartsWith(fault, Assert.Single(Parse(text).Faults), StringComparison.Ordinal);

    [Fact]
    public async Task All_faults_are_reported_together_each_with_its_place()
    {
        var (code, errors) = await CheckAsync("lan = lo\nwan = nonexistent0\nlan-address = 300.1.1.1/24\nwebhook = ftp://x\nbad\nupstream = nine", "--webhook", "gopher://x");

        Assert.Equal(2, code);
        Assert.Equal(
            [$"{_path}:5: 'bad'", $"{_path}:3: lan-address: '300.1.1.1/24'", $"{_path}:6: upstream: 'nine'", "--webhook: 'gopher://x'", $"{_path}:2: wan: there is no interface"],
            errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line["gatehouse up: ".Length..]).Zip(
                [$"{_path}:5: 'bad'".Length, $"{_path}:3: lan-address: '300.1.1.1/24'".Length, $"{_path}:6: upstream: 'nine'".Length, "--webhook: 'gopher://x'".Length, $"{_path}:2: wan: there is no interface".Length],
                (line, length) => line[..length]));
    }

    [Fact]
    public async Task Without_interfaces_it_says_which_are_missing()
    {
        var (code, errors) = await CheckAsync("# nothing");

        Assert.Equal(2, code);
        Assert.Contains("--lan: which interface?", errors, StringComparison.Ordinal);
        Assert.Contains("--wan: which interface?", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interface_that_is_not_there_may_come_and_is_another_exit_code() =>
        Assert.Equal(1, (await CheckAsync("lan = lo\nwan = nonexistent0")).Code);

    [Fact]
    public async Task What_the_command_line_says_wins() =>
        Assert.Equal("gatehouse up: --wan: the LAN's interface is the same; the gateway stands between two.\n", (await CheckAsync("lan = lo\nwan = nonexistent0", "--wan", "lo")).Errors);

    [Theory, InlineData("/nonexistent/gatehouse.conf"), InlineData("/dev/zero"), InlineData("/tmp")]
    public async Task A_file_that_is_none_is_named(string path)
    {
        var errors = new StringWriter();

        Assert.Equal(2, await Root.RunAsync(["up", "--config", path, "--check"], TextWriter.Null, errors));
        Assert.StartsWith($"gatehouse up: {path}: ", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_default_configuration_is_sound_as_it_is_and_with_every_setting_switched_on()
    {
        var text = DefaultConfiguration.For(UpCommand.Create());
        var settings = text.ReplaceLineEndings("\n").Split('\n').Where(line => line.StartsWith('#') && !line.StartsWith("# ", StringComparison.Ordinal) && line != "#").Select(line => line[1..]).ToList();

        Assert.Empty(Parse(text).Faults);
        Assert.Empty(Parse(string.Join('\n', settings)).Faults);
        Assert.Contains("lan-address = 192.168.77.1/24", settings);
        Assert.Equal(ConfigurationFile.Settings(UpCommand.Create()).Count(), settings.Count);
    }

    [Fact]
    public void A_manual_page_is_plain_text_whatever_a_description_says()
    {
        var pages = DocumentsCommand.Files(Root.Create()).Where(page => page.Name != "gatehouse.conf").ToList();

        Assert.All(pages, page => Assert.True(System.Text.Ascii.IsValid(page.Text), page.Name));
        Assert.Equal(Root.Create().Subcommands.Count(command => !command.Hidden) + 2, pages.Count);
    }

    private static ConfigurationFile Parse(string text) => ConfigurationFile.Parse("x.conf", text, UpCommand.Create());

    private async Task<(int Code, string Errors)> CheckAsync(string text, params string[] more)
    {
        await File.WriteAllTextAsync(_path, text, TestContext.Current.CancellationToken);
        var errors = new StringWriter();
        return (await Root.RunAsync(["up", "--config", _path, "--check", .. more], TextWriter.Null, errors), errors.ToString());
    }
}
