using System.Text;
using System.Text.Json.Nodes;
using Gatehouse.Trust;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gatehouse.Tests.Trust;

/// <summary>Several repositories that must agree (TAP 4).</summary>
public sealed class MapTests : IDisposable
{
    private const string TwoOfTwo = """{ "paths": ["fw/*"], "repositories": ["maker", "reviewers"], "threshold": 2, "terminating": true }""";

    private readonly TemporaryFolder _folder = new();
    private readonly RepositorySimulator _maker = new();
    private readonly RepositorySimulator _reviewers = new();
    private readonly RepositorySimulator _others = new();

    [Fact]
    public async Task What_both_sign_is_found_with_both_reasons_and_downloaded()
    {
        Release(_maker, "good");
        Release(_reviewers, "good");
        var client = await OpenAsync(TwoOfTwo);

        var found = await client.FindTargetAsync("fw/dvr", CancellationToken.None);
        var image = await client.DownloadAsync(found!, _folder.Below("images"), CancellationToken.None);

        Assert.Equal(["maker", "reviewers"], image.Reasons.Select(r => r.Repository));
        Assert.Equal("good", await File.ReadAllTextAsync(image.Path));
    }

    [Fact]
    public async Task All_keys_of_one_maker_in_a_thiefs_hands_install_nothing()
    {
        Release(_maker, "evil");
        Release(_reviewers, "good");
        var client = await OpenAsync(TwoOfTwo);

        Assert.Equal(TrustReason.Disagreement, (await FindFailsAsync(client)).Reason);
    }

    [Fact]
    public async Task What_only_one_signs_is_a_disagreement_that_names_who_speaks()
    {
        Release(_maker, "new");
        var failure = await FindFailsAsync(await OpenAsync(TwoOfTwo));

        Assert.Equal(TrustReason.Disagreement, failure.Reason);
        Assert.Contains("maker", failure.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, JsonNode?> OtherFields => new()
    {
        { "model", "another" }, { "version", "9.9.9" }, { "kind", "feature" }, { "hardware", new JsonArray("2.0") },
        { "fixes", new JsonArray("CVE-2026-9999") }, { "from-version", "1.0.0" }, { "support-until", "2040-01-01" }, { "version", null },
    };

    [Theory, MemberData(nameof(OtherFields))]
    public async Task They_must_agree_on_the_custom_fields_that_count(string field, JsonNode? value)
    {
        Release(_maker, "good");
        Release(_reviewers, "good", c => c[field] = value?.DeepClone());

        Assert.Equal(TrustReason.Disagreement, (await FindFailsAsync(await OpenAsync(TwoOfTwo))).Reason);
    }

    [Fact]
    public async Task Notes_of_their_own_may_differ()
    {
        Release(_maker, "good", c => c["released"] = "2026-11-01");
        Release(_reviewers, "good", c => c["reviewed-by"] = "two people");

        Assert.NotNull(await (await OpenAsync(TwoOfTwo)).FindTargetAsync("fw/dvr", CancellationToken.None));
    }

    [Fact]
    public async Task Two_of_three_do_without_the_third_even_when_it_is_down()
    {
        Release(_maker, "good");
        Release(_others, "good");
        _reviewers.Transport.Tamper = (_, _) => throw new IOException("down");
        var client = await OpenAsync("""{ "paths": ["fw/*"], "repositories": ["maker", "reviewers", "others"], "threshold": 2 }""");

        Assert.NotNull(await client.FindTargetAsync("fw/dvr", CancellationToken.None));
        Assert.Equal(TrustReason.Unavailable, client.Failures["reviewers"].Reason);
    }

    [Fact]
    public async Task A_repository_that_is_down_is_no_consent()
    {
        Release(_maker, "good");
        Release(_reviewers, "good");
        _reviewers.Transport.Tamper = (_, _) => throw new IOException("down");

        Assert.Equal(TrustReason.Unavailable, (await FindFailsAsync(await OpenAsync(TwoOfTwo))).Reason);
    }

    [Fact]
    public async Task The_next_rule_is_asked_where_nobody_speaks_unless_the_first_has_the_last_word()
    {
        Release(_others, "from others");
        const string Rule = """{ "paths": ["fw/*"], "repositories": ["maker"] }""";
        const string Next = """{ "paths": ["*/*"], "repositories": ["others"] }""";

        var open = await OpenAsync(Rule + "," + Next);
        var closed = await OpenAsync(Rule.Replace(" }", ", \"terminating\": true }", StringComparison.Ordinal) + "," + Next);

        Assert.Equal("others", (await open.FindTargetAsync("fw/dvr", CancellationToken.None))!.Target.Reason.Repository);
        Assert.Null(await closed.FindTargetAsync("fw/dvr", CancellationToken.None));
        Assert.Null(await open.FindTargetAsync("uncovered", CancellationToken.None));
    }

    [Fact]
    public async Task The_owners_map_comes_before_the_products()
    {
        Release(_maker, "from the maker");
        Release(_others, "from the owner's own");
        var combined = RepositoryMap.Combine(Map("""{ "paths": ["fw/*"], "repositories": ["others"], "terminating": true }"""), Map("""{ "paths": ["fw/*"], "repositories": ["maker"] }"""));

        var client = await OpenAsync(combined);

        Assert.Equal("others", (await client.FindTargetAsync("fw/dvr", CancellationToken.None))!.Target.Reason.Repository);
    }

    [Fact]
    public void All_faults_of_a_map_are_reported_together()
    {
        var fault = Assert.Throws<FormatException>(() => Map(
            """{ "paths": ["a"], "repositories": ["maker", "nobody"], "threshold": 3 }, { "paths": [], "repositories": ["maker", "maker"], "threshold": 0 }"""));

        foreach (var part in new[] { "mapping[0].threshold", "nobody is not among", "mapping[1].threshold", "names one twice" }) Assert.Contains(part, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_frozen_mirror_goes_to_the_end_of_the_line()
    {
        var frozen = new MemoryTransport { Metadata = new Dictionary<string, byte[]>(_maker.Transport.Metadata) };
        var clock = new FakeTimeProvider(RepositorySimulator.Start.AddDays(40));
        foreach (var document in _maker.Documents.Values) document["expires"] = RepositorySimulator.Date(clock.GetUtcNow().AddDays(30));
        _maker.Publish();
        var repository = TufRepository.Open(
            "maker", _folder.Below("mirrored"), _maker.Transport.Metadata["1.root.json"], new MirroredTransport([frozen, _maker.Transport]), clock);

        await repository.RefreshAsync(CancellationToken.None);

        Assert.True(repository.IsFresh);
    }

    public void Dispose() => _folder.Dispose();

    private static RepositoryMap Map(string rules) => RepositoryMap.Parse(Encoding.UTF8.GetBytes(
        """
        { "repositories": {
            "maker": { "root": "maker.root.json", "mirrors": ["https://maker.example/"] },
            "reviewers": { "root": "reviewers.root.json", "mirrors": ["https://reviewers.example/"] },
            "others": { "root": "others.root.json", "mirrors": ["https://others.example/"] } },
          "mapping": [
        """ + rules + "]}"));

    private static void Release(RepositorySimulator repository, string content, Action<JsonObject>? change = null)
    {
        var custom = new JsonObject
        {
            ["model"] = "anvil-dvr4", ["version"] = "1.1.0", ["hardware"] = new JsonArray("1.0"), ["kind"] = "security", ["fixes"] = new JsonArray("CVE-2026-1234"),
        };
        change?.Invoke(custom);
        repository.AddTarget("fw/dvr", content, custom: custom);
        repository.Publish();
    }

    private Task<MapClient> OpenAsync(string rules) => OpenAsync(Map(rules));

    private async Task<MapClient> OpenAsync(RepositoryMap map)
    {
        var clock = new FakeTimeProvider(RepositorySimulator.Start);
        var all = new Dictionary<string, RepositorySimulator> { ["maker"] = _maker, ["reviewers"] = _reviewers, ["others"] = _others };
        var client = new MapClient(map, all.ToDictionary(
            r => r.Key, r => TufRepository.Open(r.Key, _folder.Below(Guid.NewGuid().ToString()), r.Value.Transport.Metadata["1.root.json"], r.Value.Transport, clock)));
        await client.RefreshAsync(CancellationToken.None);
        return client;
    }

    private static Task<TrustException> FindFailsAsync(MapClient client) =>
        Assert.ThrowsAsync<TrustException>(() => client.FindTargetAsync("fw/dvr", CancellationToken.None));
}
