using Gatehouse.Home;
using Gatehouse.Packs;
using Xunit;

namespace Gatehouse.Tests.Gateway.Packs;

public sealed class PackLibraryTests : IDisposable
{
    private const string Recorder = """
        {
          "pack": "anvil/dvr4", "vendor": "Anvil", "model": "anvil-dvr4", "kind": "recorder",
          "recognise": [
            { "source": "DHCP option 60", "contains": "anvil-dvr4", "weight": 0.6 },
            { "source": "HTTP Server", "matches": "AnvilWeb/(?<version>[0-9.]+)", "weight": 0.9 },
            { "source": "mDNS TXT MD", "is": "dvr4", "weight": 0.9 },
            { "source": "HTTP body /version", "matches": "^(?<version>[0-9]+[.][0-9]+[.][0-9]+)", "weight": 0.1 }
          ],
          "reach": [ { "name": "cloud.anvil.example", "ports": ["tcp/8883", "udp/443"], "why": "Watching from outside the house" } ],
          "update": { "driver": "swupdate", "parameters": { "port": "8099", "version-path": "/version" }, "repository": "anvil" },
          "health": [ { "http": "/", "port": 80, "status": 200 }, { "tcp": 554 } ],
          "credentials": [ { "service": "telnet", "port": 23, "user": "root", "password": "xc3511" } ],
          "rotate": { "method": "telnet-passwd", "parameters": {} },
          "support": { "until": "2027-01-01" }, "class": "thing", "safety": false,
          "sources": ["the maker's manual"]
        }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-packs-").FullName;

    [Fact]
    public void A_pack_is_read_whole()
    {
        Write("anvil/dvr4.json", Recorder);

        var library = PackLibrary.Load([_folder]);

        Assert.Empty(library.Faults);
        var pack = Assert.Single(library.Packs);
        Assert.Same(pack, library.Find("anvil/dvr4"));
        Assert.Equal(("Anvil", "anvil-dvr4", "recorder"), (pack.Vendor, pack.Model, pack.Kind));
        Assert.Equal(["DHCP option 60", "HTTP Server", "mDNS TXT md", "HTTP body /version"], pack.Recognise.Select(rule => rule.Source.ToString()));
        Assert.Equal([new(TransportProtocol.Tcp, 8883), new(TransportProtocol.Udp, 443)], pack.ReachFor("cloud.anvil.example")?.Ports);
        Assert.Equal(("swupdate", "8099", "anvil"), (pack.Update?.Driver, pack.Update?.Parameters["port"], pack.Update?.Repository));
        Assert.Equal([new(80, "/", 200), new(554, null, 0)], pack.Health);
        Assert.Equal(new PackCredential("telnet", 23, "root", "xc3511"), Assert.Single(pack.Credentials));
        Assert.Equal("telnet-passwd", pack.Rotate?.Method);
        Assert.Equal(new DateOnly(2027, 1, 1), pack.SupportUntil);
    }

    [Fact]
    public void A_rule_takes_the_version_out_of_what_it_read()
    {
        Write("anvil/dvr4.json", Recorder);
        var rule = PackLibrary.Load([_folder]).Packs[0].Recognise[1];

        Assert.True(rule.Fits("AnvilWeb/1.4.2 (Linux)", out var captured));
        Assert.Equal("1.4.2", captured.Version);
        Assert.False(rule.Fits("GoAhead", out _));
    }

    [Theory]
    [InlineData("[0-9]{1,3}([.][0-9]{1,3}){2}", true)]
    [InlineData("a{1000}", true)]
    [InlineData("a{1001}", false)]
    [InlineData("a{5000,}", false)]
    [InlineData("((a{100}){100}){100}", false)]
    [InlineData("(?=a)b", false)]
    [InlineData("(a+)+$", true)]
    public void Expressions_that_could_cost_much_are_refused(string expression, bool isAccepted)
    {
        Assert.Equal(isAccepted, RecogniseRule.TryMake(EvidenceSource.Of(EvidenceSource.HttpServer), TextTest.Matches, expression, 0.5, out var rule, out _));

        var watch = System.Diagnostics.Stopwatch.StartNew();
        rule?.Fits(new string('a', 2000) + "!", out _);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"it took {watch.Elapsed}");
    }

    [Fact]
    public void Every_fault_of_every_file_is_reported_at_once_with_its_place()
    {
        Write("a/good.json", Recorder);
        Write("b/bad.json", """
            {
              "pack": "Anvil DVR", "vendor": 7, "kind": "recorder", "colour": "red",
              "recognise": [
                { "source": "DHCP option 61", "contains": "x", "weight": 0.5 },
                { "source": "OUI", "contains": "x", "is": "y", "weight": 0.5 },
                { "source": "HTTP Server", "matches": "(a", "weight": 7 },
                { "source": "HTTP Server", "matches": "(a)\\1", "weight": 0.5 },
                "telnet"
              ],
              "reach": [ { "name": "Cloud.Example.", "ports": ["sctp/1", "tcp/0", "tcp/70000"] } ],
              "health": [ { "http": "no slash" }, { "tcp": 0 }, { "tcp": 1, "status": 200 } ],
              "update": { "parameters": { "port": 80 } },
              "support": { "until": "soon" }, "class": "computer", "safety": "no"
            }
            """);
        Write("c/torn.json", """{ "pack": "c/torn", """);

        var library = PackLibrary.Load([_folder]);

        Assert.Equal("anvil/dvr4", Assert.Single(library.Packs).Id);
        Assert.Equal(
            [
                "$.class", "$.colour", "$.health[0].http", "$.health[1].tcp", "$.health[2].status", "$.pack", "$.reach[0].name", "$.reach[0].ports[0]",
                "$.reach[0].ports[1]", "$.reach[0].ports[2]", "$.recognise[0].source", "$.recognise[1]", "$.recognise[2].matches", "$.recognise[2].weight",
                "$.recognise[3].matches", "$.recognise[4]", "$.safety", "$.support.until", "$.update", "$.update.parameters.port", "$.vendor",
            ],
            library.Faults.Where(fault => fault.File.EndsWith("bad.json", StringComparison.Ordinal)).Select(fault => fault.Place).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal("line 1", Assert.Single(library.Faults, fault => fault.File.EndsWith("torn.json", StringComparison.Ordinal)).Place);
    }

    public static TheoryData<string, string> NotPacks => new()
    {
        { "empty", "" },
        { "not JSON", "pack: anvil" },
        { "a list", "[]" },
        { "null", "null" },
        { "a name twice", """{ "pack": "a/b", "pack": "a/c", "vendor": "A", "kind": "plug" }""" },
        { "nested too deep", new string('[', 100) },
        { "a comment", """{ "pack": "a/b", /* hello */ "vendor": "A", "kind": "plug" }""" },
        { "a control character", """{ "pack": "a/b", "vendor": "A\n", "kind": "plug" }""" },
        { "half a surrogate pair", """{ "pack": "a/b", "vendor": "\ud800", "kind": "plug" }""" },
        { "too long", $$"""{ "pack": "a/b", "vendor": "{{new string('A', 300_000)}}", "kind": "plug" }""" },
    };

    [Theory, MemberData(nameof(NotPacks))]
    public void What_is_no_pack_is_refused_with_a_reason(string why, string json)
    {
        Write("x/x.json", json);

        var library = PackLibrary.Load([_folder]);

        Assert.Empty(library.Packs);
        Assert.True(library.Faults.Length > 0, why);
    }

    // Found by fuzzing: the parser looks at a text's bytes only when it is asked for the text.
    [Fact]
    public void Bytes_that_are_no_text_are_a_fault()
    {
        File.WriteAllBytes(Path.Combine(_folder, "x.json"), [.. "{ \"pa"u8, 0x8E, .. "ck\": \"a/b\", \"vendor\": \"A\", \"kind\": \"plug\" }"u8]);

        var library = PackLibrary.Load([_folder]);

        Assert.Empty(library.Packs);
        Assert.NotEmpty(library.Faults);
    }

    [Fact]
    public void Two_files_with_one_name_in_a_folder_are_a_fault_and_a_later_folder_replaces()
    {
        Write("first/anvil/a.json", Recorder);
        Write("first/anvil/b.json", Recorder);
        Write("second/anvil/dvr4.json", Recorder.Replace("\"recorder\"", "\"camera\"", StringComparison.Ordinal));

        var library = PackLibrary.Load([Path.Combine(_folder, "first"), Path.Combine(_folder, "second")]);

        Assert.Equal("camera", Assert.Single(library.Packs).Kind);
        Assert.EndsWith("b.json", Assert.Single(library.Faults).File, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cloud.example", "cloud.example", true)]
    [InlineData("cloud.example", "a.cloud.example", false)]
    [InlineData("*.cloud.example", "a.cloud.example", true)]
    [InlineData("*.cloud.example", "cloud.example", false)]
    [InlineData("*.cloud.example", "badcloud.example", false)]
    public void A_name_covers_itself_and_a_star_what_is_below(string pattern, string name, bool covered) =>
        Assert.Equal(covered, new PackReach(pattern, [], "").Covers(name));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Write(string path, string json)
    {
        var file = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, json);
    }
}
