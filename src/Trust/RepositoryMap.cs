using System.Text.Json;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust;

/// <summary>
/// Which repositories must agree on which targets (TAP 4). Local: it comes with the product and from the owner, never from a repository.
/// </summary>
/// <remarks>
/// <code>
/// { "repositories": { "anvil": { "root": "anvil.root.json", "mirrors": ["https://updates.anvil.example/"] } },
///   "mapping": [ { "paths": ["anvil/*"], "repositories": ["anvil", "reviewers"], "threshold": 2, "terminating": true } ] }
/// </code>
/// </remarks>
public sealed class RepositoryMap
{
    /// <summary>Largest map in bytes. A map is written by hand.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Most repositories, and most rules.</summary>
    public const int MaxEntries = 1024;

    private RepositoryMap(IReadOnlyDictionary<string, MappedRepository> repositories, IReadOnlyList<MapRule> rules)
    {
        Repositories = repositories;
        Rules = rules;
    }

    /// <summary>By name.</summary>
    public IReadOnlyDictionary<string, MappedRepository> Repositories { get; }

    /// <summary>In order: the first that speaks for a path counts.</summary>
    public IReadOnlyList<MapRule> Rules { get; }

    /// <summary>Reads a map and reports all its faults together.</summary>
    /// <exception cref="FormatException">Each fault with its place, parted by semicolons.</exception>
    public static RepositoryMap Parse(ReadOnlyMemory<byte> json)
    {
        if (json.Length > MaxBytes) throw new FormatException($"The map is larger than {MaxBytes} bytes.");

        var faults = new List<string>();
        try
        {
            using var file = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            var repositories = ParseRepositories(file.RootElement.GetRequired("repositories"), faults);
            var rules = ParseRules(file.RootElement.GetRequired("mapping"), repositories, faults);
            if (repositories.Count > MaxEntries || rules.Count > MaxEntries) faults.Add($"it has more than {MaxEntries} repositories or rules");
            return faults.Count == 0 ? new RepositoryMap(repositories, rules) : throw new FormatException("The map cannot be used: " + string.Join("; ", faults) + ".");
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException)
        {
            throw new FormatException("The map cannot be read: " + bad.Message, bad);
        }
    }

    /// <summary>The owner's map before the one that came with the product: the owner's rules are asked first, and its repositories win.</summary>
    public static RepositoryMap Combine(RepositoryMap owners, RepositoryMap shipped)
    {
        ArgumentNullException.ThrowIfNull(owners);
        ArgumentNullException.ThrowIfNull(shipped);
        var repositories = new Dictionary<string, MappedRepository>(shipped.Repositories, StringComparer.Ordinal);
        foreach (var (name, repository) in owners.Repositories) repositories[name] = repository;
        return new RepositoryMap(repositories, [.. owners.Rules, .. shipped.Rules]);
    }

    private static Dictionary<string, MappedRepository> ParseRepositories(JsonElement list, List<string> faults)
    {
        var repositories = new Dictionary<string, MappedRepository>(StringComparer.Ordinal);
        foreach (var entry in list.GetMembers())
        {
            var mirrors = new List<Uri>();
            foreach (var mirror in entry.Value.GetRequired("mirrors").GetItems())
            {
                if (Uri.TryCreate(mirror.GetText(), UriKind.Absolute, out var address)) mirrors.Add(address);
                else faults.Add($"repositories.{entry.Name}.mirrors: {mirror.GetText()} is not an address");
            }

            if (entry.Name.Length is 0 or > 100) faults.Add("a repository's name is empty or longer than 100 characters");
            if (mirrors.Count == 0) faults.Add($"repositories.{entry.Name}.mirrors is empty");
            repositories[entry.Name] = new MappedRepository(entry.Name, entry.Value.GetRequired("root").GetText(), mirrors);
        }

        return repositories;
    }

    private static List<MapRule> ParseRules(JsonElement list, Dictionary<string, MappedRepository> repositories, List<string> faults)
    {
        var rules = new List<MapRule>();
        foreach (var entry in list.GetItems())
        {
            var place = $"mapping[{rules.Count}]";
            var names = entry.GetRequired("repositories").GetItems().Select(r => r.GetText()).ToList();
            var threshold = entry.TryGetProperty("threshold", out var given) ? given.GetInteger("threshold", atLeast: int.MinValue) : names.Count;
            if (threshold < 1 || threshold > names.Count) faults.Add($"{place}.threshold is not between 1 and the {names.Count} repositories named");
            if (names.Distinct(StringComparer.Ordinal).Count() != names.Count) faults.Add($"{place}.repositories names one twice");
            faults.AddRange(names.Where(n => !repositories.ContainsKey(n)).Select(n => $"{place}.repositories: {n} is not among the repositories"));
            rules.Add(new MapRule(
                entry.GetRequired("paths").GetItems().Select(p => p.GetText()).ToList(), names, (int)threshold,
                entry.TryGetProperty("terminating", out var flag) && flag.GetFlag()));
        }

        return rules;
    }
}

/// <summary>A repository of the map.</summary>
/// <param name="Name">What the owner calls it; the name of its metadata folder once encoded.</param>
/// <param name="RootFile">The file with its first trusted root, relative to the map's folder.</param>
/// <param name="Mirrors">Where it may be fetched from, in order.</param>
public sealed record MappedRepository(string Name, string RootFile, IReadOnlyList<Uri> Mirrors);

/// <summary>One rule of the map.</summary>
/// <param name="Paths">Patterns as in delegations (TUF 1.0.34, 4.5).</param>
/// <param name="Repositories">Who speaks for these paths.</param>
/// <param name="Threshold">How many of them must say the same.</param>
/// <param name="IsTerminating">When it covers a path and yields nothing, later rules are not asked.</param>
public sealed record MapRule(IReadOnlyList<string> Paths, IReadOnlyList<string> Repositories, int Threshold, bool IsTerminating)
{
    internal bool Covers(string path) => Paths.Any(pattern => PathPattern.Matches(pattern, path));
}
