using Gatehouse.Trust;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gatehouse.Tests.Trust;

/// <summary>A client with a folder and a clock of its own, whose first root is the simulator's version 1.</summary>
internal sealed class TestClient : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _root;

    public TestClient(RepositorySimulator repository, TrustLimits? limits = null)
    {
        Simulator = repository;
        _root = repository.Transport.Metadata["1.root.json"];
        Limits = limits ?? TrustLimits.Default;
        Reopen();
    }

    public RepositorySimulator Simulator { get; }

    public TrustLimits Limits { get; set; }

    public FakeTimeProvider Clock { get; } = new(RepositorySimulator.Start);

    public TufRepository Repository { get; private set; } = null!;

    public string Metadata => _folder.Below("metadata");

    public string Images => _folder.Below("images");

    /// <summary>As after a restart of the program.</summary>
    public void Reopen() => Repository = TufRepository.Open("simulated", Metadata, _root, Simulator.Transport, Clock, Limits);

    public Task RefreshAsync() => Repository.RefreshAsync(CancellationToken.None);

    public async Task<TrustReason> RefusalAsync() => (await Assert.ThrowsAsync<TrustException>(RefreshAsync)).Reason;

    public Task<TargetFile?> FindAsync(string path) => Repository.FindTargetAsync(path, CancellationToken.None);

    public async Task<VerifiedImage> DownloadAsync(string path) =>
        await Repository.DownloadAsync((await FindAsync(path))!, Images, CancellationToken.None);

    public long? KeptVersion(string role)
    {
        var path = Path.Combine(Metadata, role + ".json");
        if (!File.Exists(path)) return null;

        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(path));
        return json.RootElement.GetProperty("signed").GetProperty("version").GetInt64();
    }

    public void Dispose() => _folder.Dispose();
}
