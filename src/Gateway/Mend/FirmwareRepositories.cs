using System.Collections.Immutable;
using Gatehouse.Trust;

namespace Gatehouse.Mend;

/// <summary>What a repository has at the moment.</summary>
/// <param name="Releases">Releases for the models the trust map lets it speak for.</param>
/// <param name="Faults">Targets that are no release, each with the reason: mistakes of the maker.</param>
public sealed record RepositoryContent(ImmutableArray<FirmwareRelease> Releases, ImmutableArray<string> Faults);

/// <summary>The repositories of the trust map, opened when first asked. Each is used by one task at a time; several may be asked side by side.</summary>
/// <param name="folder">Where each keeps its trusted metadata, in a folder of its name.</param>
public sealed class FirmwareRepositories(TrustMap map, string folder, Func<TrustedRepository, ITransport> transports, TimeProvider time)
{
    /// <summary>Largest image taken, in bytes. Things have at most a few hundred megabytes of flash, and the shelf must hold two.</summary>
    public const long MaxImageBytes = 200L * 1024 * 1024;

    private readonly ImmutableDictionary<string, Opened> _opened = map.Repositories.ToImmutableDictionary(repository => repository.Name, repository => new Opened(repository));

    /// <summary>Repositories on web servers, through one client.</summary>
    public static FirmwareRepositories OverHttp(TrustMap map, string folder, HttpClient client, TimeProvider time) =>
        new(map, folder, repository => new HttpTransport(client, repository.Mirror), time);

    /// <summary>Asks a repository what it has now.</summary>
    /// <exception cref="TrustException">It cannot be reached, or what it says cannot be trusted.</exception>
    public Task<RepositoryContent> RefreshAsync(string name, CancellationToken cancellationToken) => UseAsync(name, async (entry, repository) =>
    {
        await repository.RefreshAsync(cancellationToken);
        return ReadTargets(entry, repository);
    }, cancellationToken);

    /// <summary>Fetches and verifies a release that the last refresh found.</summary>
    /// <exception cref="TrustException">It cannot be reached, or the image is not the signed one.</exception>
    public Task<VerifiedImage> DownloadAsync(FirmwareRelease release, string imageFolder, CancellationToken cancellationToken) =>
        UseAsync(release.Repository, (_, repository) => repository.FindTarget(release.TargetPath) is { } target
            ? repository.DownloadAsync(target, imageFolder, cancellationToken)
            : throw new TrustException(TrustReason.NoSuchTarget, $"{release.Repository} has no {release.TargetPath} any more."), cancellationToken);

    /// <summary>Verifies a kept image again. Needs no network.</summary>
    /// <param name="sha256">The image that is meant: another one, signed as well, in its place is refused.</param>
    /// <exception cref="TrustException">It was changed, or its proof is gone.</exception>
    public Task<VerifiedImage> RestoreAsync(string name, string sha256, string file, CancellationToken cancellationToken) => UseAsync(name, async (_, repository) =>
    {
        var image = await repository.RestoreAsync(file, cancellationToken);
        return image.Sha256 == sha256 ? image : throw new TrustException(TrustReason.HashMismatch, "Another image lies in the place of the kept one.");
    }, cancellationToken);

    private async Task<T> UseAsync<T>(string name, Func<TrustedRepository, TufRepository, Task<T>> use, CancellationToken cancellationToken)
    {
        if (!_opened.TryGetValue(name, out var opened)) throw new TrustException(TrustReason.NotReady, $"The trust map names no repository called {name}.");
        await opened.Turn.WaitAsync(cancellationToken);
        try
        {
            opened.Repository ??= Open(opened.Entry);
            return await use(opened.Entry, opened.Repository);
        }
        finally
        {
            opened.Turn.Release();
        }
    }

    private TufRepository Open(TrustedRepository entry)
    {
        try
        {
            var limits = TrustLimits.Default with { ImageBytes = MaxImageBytes };
            return TufRepository.Open(entry.Name, Path.Combine(folder, entry.Name), File.ReadAllBytes(entry.RootFile), transports(entry), time, limits);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new TrustException(TrustReason.Storage, $"The first root of {entry.Name} cannot be read: {unreadable.Message}", unreadable);
        }
    }

    private static RepositoryContent ReadTargets(TrustedRepository entry, TufRepository repository)
    {
        var (releases, faults) = (ImmutableArray.CreateBuilder<FirmwareRelease>(), ImmutableArray.CreateBuilder<string>());
        foreach (var target in repository.Targets)
        {
            var sha256 = target.Hashes.GetValueOrDefault("sha256");
            if (!FirmwareRelease.TryRead(entry.Name, target.Path, sha256, target.Custom, out var release, out var fault)) faults.Add($"{target.Path}: {fault}");
            else if (entry.Models.Contains(release.Model)) releases.Add(release);
        }

        return new(releases.ToImmutable(), faults.ToImmutable());
    }

    private sealed class Opened(TrustedRepository entry)
    {
        public TrustedRepository Entry => entry;
        public SemaphoreSlim Turn { get; } = new(1, 1);
        public TufRepository? Repository { get; set; }
    }
}
