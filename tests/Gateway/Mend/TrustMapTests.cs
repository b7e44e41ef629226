using Gatehouse.Mend;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

public sealed class TrustMapTests : IDisposable
{
    private const string Sound = """{"poll-seconds": 5, "repositories": {"anvil": {"mirror": "http://updates.anvil.example/", "root": "root.json", "models": ["anvil-dvr4"]}}}""";
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-trust-map-").FullName;

    public TrustMapTests() => File.WriteAllText(Path.Combine(_folder, "root.json"), "{}");

    /// <summary>A fault, the file that has it, and a part of what is said about it.</summary>
    public static TheoryData<string, string, string> Faults => new()
    {
        { "no JSON", "{", "line 1: this is not JSON" },
        { "a list", "[]", "$: should be an object" },
        { "nothing in it", "{}", "$: 'repositories' is missing" },
        { "a word misspelt", """{"repositories": {}, "pol-seconds": 5}""", "$.pol-seconds: is not known here" },
        { "a member twice", """{"repositories": {}, "repositories": {}}""", "not JSON" },
        { "polls without a pause", """{"repositories": {}, "poll-seconds": 0}""", "$.poll-seconds: should be a number from 2" },
        { "a name that is a path", Entry("../anvil", "http://a.example/", "root.json", "m"), "a repository's name has lower-case letters" },
        { "a mirror without its slash", Entry("a", "http://a.example/tuf", "root.json", "m"), "$.repositories.a.mirror: should be an http or https address that ends with '/'" },
        { "a mirror that is a file", Entry("a", "file:///etc/", "root.json", "m"), "$.repositories.a.mirror" },
        { "no root", Entry("a", "http://a.example/", "missing.json", "m"), "$.repositories.a.root: there is no file" },
        { "no models", """{"repositories": {"a": {"mirror": "http://a.example/", "root": "root.json", "models": []}}}""", "$.repositories.a.models: should be a list" },
        { "two that speak for one model", """
            {"repositories": {"a": {"mirror": "http://a.example/", "root": "root.json", "models": ["m"]}, "b": {"mirror": "http://b.example/", "root": "root.json", "models": ["m"]}}}
            """, "a and b both speak for 'm'" },
    };

    [Fact]
    public void A_sound_map_is_read()
    {
        var map = TrustMap.Load(Write(Sound));

        var repository = Assert.Single(map.Repositories);
        Assert.Equal(("anvil", "http://updates.anvil.example/", Path.Combine(_folder, "root.json")), (repository.Name, repository.Mirror.AbsoluteUri, repository.RootFile));
        Assert.Equal(["anvil-dvr4"], repository.Models);
        Assert.Equal(TimeSpan.FromSeconds(5), map.Poll);
    }

    [Theory, MemberData(nameof(Faults))]
    public void A_fault_is_named_with_its_place(string why, string json, string said)
    {
        var thrown = Assert.Throws<TrustMapException>(() => TrustMap.Load(Write(json)));

        Assert.True(thrown.Faults.Any(fault => fault.Contains(said, StringComparison.Ordinal)), $"{why}: {thrown.Message}");
    }

    [Fact]
    public void A_map_that_is_not_UTF8_is_said_to_be_so()
    {
        var file = Path.Combine(_folder, "latin1.json");
        File.WriteAllBytes(file, System.Text.Encoding.Latin1.GetBytes(Sound.Replace("anvil-dvr4", "\u00e4nvil", StringComparison.Ordinal)));

        Assert.Contains("not UTF-8", Assert.Throws<TrustMapException>(() => TrustMap.Load(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_are_named_together()
    {
        var thrown = Assert.Throws<TrustMapException>(() => TrustMap.Load(Write(
            """{"poll-seconds": -1, "repositories": {"A": {"mirror": "x", "root": "no", "models": 3}, "b": 4}}""")));

        Assert.Equal(6, thrown.Faults.Length);
    }

    [Fact]
    public void Every_beginning_of_a_map_is_refused_and_none_ends_the_program()
    {
        for (var length = 0; length < Sound.Length; length++) Assert.Throws<TrustMapException>(() => TrustMap.Load(Write(Sound[..length])));
    }

    [Fact]
    public void A_map_that_is_not_there_is_said_to_be_missing() =>
        Assert.Contains("cannot be read", Assert.Throws<TrustMapException>(() => TrustMap.Load(Path.Combine(_folder, "none.json"))).Message, StringComparison.Ordinal);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Entry(string name, string mirror, string root, string model) =>
        $$"""{"repositories": {"{{name}}": {"mirror": "{{mirror}}", "root": "{{root}}", "models": ["{{model}}"] } } }""";

    private string Write(string json)
    {
        var file = Path.Combine(_folder, "map.json");
        File.WriteAllText(file, json);
        return file;
    }
}
