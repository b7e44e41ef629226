using System.Text.Json;

namespace Gatehouse.Trust;

/// <summary>
/// Looks targets up across the repositories of a <see cref="RepositoryMap"/>: one is trusted when as many repositories as its rule asks
/// for say the same of it (TAP 4), so that one maker's stolen keys, or one bribed reviewer, install nothing.
/// </summary>
/// <remarks>One task at a time uses an instance.</remarks>
public sealed class MapClient
{
    /// <summary>The custom fields that decisions rely on: repositories must agree on them too, or one could call a downgrade a security update.</summary>
    public static readonly IReadOnlyList<string> AgreedFields = ["model", "version", "hardware", "kind", "fixes", "from-version", "support-until"];

    private readonly RepositoryMap _map;
    private readonly IReadOnlyDictionary<string, TufRepository> _repositories;
    private readonly Dictionary<string, TrustException> _failures = new(StringComparer.Ordinal);

    /// <summary>Uses repositories that were opened by the caller, by the map's names.</summary>
    /// <exception cref="ArgumentException">A repository of the map is missing.</exception>
    public MapClient(RepositoryMap map, IReadOnlyDictionary<string, TufRepository> repositories)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(repositories);
        if (map.Repositories.Keys.FirstOrDefault(name => !repositories.ContainsKey(name)) is { } missing)
        {
            throw new ArgumentException($"The map names {missing}, which was not opened.", nameof(repositories));
        }

        _map = map;
        _repositories = repositories;
    }

    /// <summary>Why a repository could not be refreshed last time; empty when all could.</summary>
    public IReadOnlyDictionary<string, TrustException> Failures => _failures;

    /// <summary>Refreshes every repository. One that fails is noted, not thrown: others may be enough.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        _failures.Clear();
        foreach (var (name, repository) in _repositories)
        {
            try
            {
                await repository.RefreshAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (TrustException failure)
            {
                _failures[name] = failure;
            }
        }
    }

    /// <summary>Finds what enough repositories agree on; null where no rule covers the path, or its repositories say nothing.</summary>
    /// <exception cref="TrustException">
    /// <see cref="TrustReason.Disagreement"/> where repositories speak but not enough of them say the same; another reason where too few
    /// could be asked at all.
    /// </exception>
    public async Task<MappedTarget?> FindTargetAsync(string path, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(path);
        foreach (var rule in _map.Rules)
        {
            if (!rule.Covers(path)) continue;
            if (await AskAsync(rule, path, cancellationToken).ConfigureAwait(false) is { } found) return found;
            if (rule.IsTerminating) return null;
        }

        return null;
    }

    /// <summary>Fetches the image from one of the repositories that agreed, and the next where that one fails.</summary>
    public async Task<VerifiedImage> DownloadAsync(MappedTarget target, string folder, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        for (var i = 0; ; i++)
        {
            try
            {
                var file = target.Agreeing[i];
                return await _repositories[file.Reason.Repository].DownloadAsync(file, target.Reasons, folder, cancellationToken).ConfigureAwait(false);
            }
            catch (TrustException failure) when (failure.Reason != TrustReason.Storage && i + 1 < target.Agreeing.Count)
            {
                // The next mirror may have it whole.
            }
        }
    }

    private async Task<MappedTarget?> AskAsync(MapRule rule, string path, CancellationToken cancellationToken)
    {
        var answers = new List<TargetFile>();
        TrustException? failure = null;
        foreach (var name in rule.Repositories)
        {
            try
            {
                if (_failures.TryGetValue(name, out var stale)) failure = stale;
                else if (await _repositories[name].FindTargetAsync(path, cancellationToken).ConfigureAwait(false) is { } answer) answers.Add(answer);
            }
            catch (TrustException failed)
            {
                failure = failed;
            }
        }

        var agreeing = answers.Select(a => answers.Where(b => Agree(a, b)).ToList()).MaxBy(group => group.Count);
        if (agreeing is not null && agreeing.Count >= rule.Threshold) return new MappedTarget(agreeing);
        if (failure is not null) throw new TrustException(failure.Reason, $"Too few repositories can speak for {path}: {failure.Message}", failure);
        if (answers.Count == 0) return null;

        var speaking = string.Join(", ", answers.Select(a => a.Reason.Repository));
        throw new TrustException(
            TrustReason.Disagreement, $"{rule.Threshold} of {string.Join(", ", rule.Repositories)} must agree on {path}; only {agreeing!.Count} do ({speaking} speak for it).");
    }

    private static bool Agree(TargetFile a, TargetFile b) =>
        a.Length == b.Length
        && a.Hashes.Keys.Intersect(b.Hashes.Keys).Any()
        && a.Hashes.Keys.Intersect(b.Hashes.Keys).All(algorithm => a.Hashes[algorithm] == b.Hashes[algorithm])
        && AgreedFields.All(field => Same(Field(a, field), Field(b, field)));

    private static JsonElement? Field(TargetFile target, string name) =>
        target.Custom is { ValueKind: JsonValueKind.Object } custom && custom.TryGetProperty(name, out var value) ? value : null;

    private static bool Same(JsonElement? a, JsonElement? b) =>
        a is null ? b is null : b is not null && JsonElement.DeepEquals(a.Value, b.Value);
}

/// <summary>A target that enough repositories agree on.</summary>
public sealed class MappedTarget
{
    internal MappedTarget(IReadOnlyList<TargetFile> agreeing) => Agreeing = agreeing;

    /// <summary>What one of them says: on everything that counts they say the same.</summary>
    public TargetFile Target => Agreeing[0];

    /// <summary>Each repository's own signature chain.</summary>
    public IReadOnlyList<VerificationReason> Reasons => [.. Agreeing.Select(a => a.Reason)];

    internal IReadOnlyList<TargetFile> Agreeing { get; }
}
