using System.Text.Json;
using Gatehouse.Commands;
using Gatehouse.Home;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Console;

/// <summary>The command line against a real control socket.</summary>
public sealed class CommandTests : IAsyncLifetime
{
    private ConsoleHome _home = null!;

    public async ValueTask InitializeAsync()
    {
        _home = await ConsoleHome.StartAsync();
        await _home.FurnishAsync();
    }

    public ValueTask DisposeAsync() => _home.DisposeAsync();

    [Fact]
    public async Task Things_are_listed_with_what_waits()
    {
        var (code, output, _) = await RunAsync("things");

        Assert.Equal(0, code);
        Assert.Contains("Anvil dvr4", output, StringComparison.Ordinal);
        Assert.Contains("A security update to 1.1.0 is ready.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_is_json()
    {
        foreach (var command in (string[][])[["things"], ["show", "dvr4"], ["questions"], ["journal"], ["allow", "1"], ["deny", "1"], ["quarantine", "dvr4"], ["release", "dvr4"], ["update", "dvr4"], ["panic"], ["panic", "--off"]])
        {
            var (code, output, errors) = await RunAsync([.. command, "--json"]);

            Assert.Equal((0, ""), (code, errors));
            using var parsed = JsonDocument.Parse(output);
        }
    }

    [Fact]
    public async Task Show_says_who_it_is_and_why()
    {
        var (code, output, _) = await RunAsync("show", "192.168.77.11");

        Assert.Equal(0, code);
        Assert.Contains("DHCP option 60: anvil-dvr4", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Allow_by_number_opens_what_was_asked()
    {
        var (code, output, _) = await RunAsync("allow", "1");

        Assert.Equal((0, "tasmota-plug may reach mqtt.plug.example now, and nothing else."), (code, output.Trim()));
        Assert.Equal("tcp/8883", Assert.Single(Assert.Single(_home.Record.Current.Permissions.Values).Ports).ToString());
    }

    [Fact]
    public async Task Allow_by_name_opens_the_named_ports_and_deny_closes_them()
    {
        Assert.Equal(0, (await RunAsync("allow", "dvr4", "Cloud.Example.", "--port", "tcp/443")).Code);
        Assert.Equal("cloud.example", Assert.Single(_home.Record.Current.Permissions.Values).Name);

        Assert.Equal(0, (await RunAsync("deny", "dvr4", "cloud.example")).Code);
        Assert.Empty(_home.Record.Current.Permissions);
    }

    [Fact]
    public async Task Quarantine_and_release()
    {
        await RunAsync("quarantine", "dvr4", "--reason", "It floods.");
        Assert.Equal((Restraint.CutOff, "It floods."), Held(ConsoleHome.Recorder));

        await RunAsync("release", "dvr4");
        Assert.Equal(Restraint.None, Held(ConsoleHome.Recorder).Item1);
        Assert.Equal(1, (await RunAsync("release", "dvr4")).Code);
    }

    [Fact]
    public async Task Update_begins_once()
    {
        Assert.Equal(0, (await RunAsync("update", "dvr4")).Code);
        Assert.Equal("1.1.0", _home.Record.Current.UpdateUnderWay(ConsoleHome.Recorder)?.ToVersion);

        Assert.Equal(1, (await RunAsync("update", "dvr4")).Code);
        Assert.Equal(1, (await RunAsync("update", "tasmota-plug")).Code);
    }

    public static TheoryData<string, int, string[]> Mistakes => new()
    {
        { "no such Thing", 4, ["show", "toaster"] },
        { "a prefix of several Things", 4, ["show", "02:00"] },
        { "no such question", 4, ["allow", "999"] },
        { "no name", 2, ["allow", "dvr4"] },
        { "a name that is none", 2, ["allow", "dvr4", "a b;c"] },
        { "a port that is none", 2, ["allow", "dvr4", "cloud.example", "--port", "https"] },
        { "too many lines", 2, ["journal", "--count", "100000"] },
        { "an unknown option", 2, ["things", "--colour"] },
        { "a missing argument", 2, ["show"] },
    };

    [Theory, MemberData(nameof(Mistakes))]
    public async Task A_mistake_ends_in_one_sentence_and_its_exit_code(string why, int expected, string[] arguments)
    {
        var (code, _, errors) = await RunAsync(arguments);

        Assert.True(expected == code, $"{why}: {code}, {errors}");
        Assert.StartsWith("gatehouse: ", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_gateway_the_exit_code_is_3()
    {
        var errors = new StringWriter();

        var code = await Root.RunAsync(["things", "--run", "/nonexistent"], TextWriter.Null, errors);

        Assert.Equal(3, code);
        Assert.Contains("gatehouse up", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hostile_name_cannot_steer_the_terminal()
    {
        await _home.ApplyAsync(at => new ThingSeen(MacAddress.Parse("02:00:00:00:00:66"), null, "x\e[2J\e]0;owned\a\u202Egnp.exe") { At = at });

        var (_, output, _) = await RunAsync("things");

        Assert.DoesNotContain('\e', output);
        Assert.DoesNotContain('\u202E', output);
    }

    [Fact]
    public void Only_the_owner_may_open_the_control_socket() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_home.RunFolder, "control.sock")));

    private (Restraint, string) Held(MacAddress mac) => (_home.Record.Current.Things[mac].Restraint, _home.Record.Current.Things[mac].RestraintReason);

    private async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        var code = await Root.RunAsync([.. arguments, "--run", _home.RunFolder], output, errors);
        return (code, output.ToString(), errors.ToString());
    }
}
