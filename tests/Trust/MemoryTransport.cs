using Gatehouse.Trust;

namespace Gatehouse.Tests.Trust;

/// <summary>A repository in memory that notes what it is asked for.</summary>
internal sealed class MemoryTransport : ITransport
{
    public Dictionary<string, byte[]> Metadata { get; init; } = [];

    public Dictionary<string, byte[]> Targets { get; init; } = [];

    public List<string> Requests { get; } = [];

    public List<string> TargetRequests { get; } = [];

    /// <summary>Stands between the repository and the client: may change, cut, slow or lose what is sent.</summary>
    public Func<string, Stream?, Stream?> Tamper { get; set; } = (_, stream) => stream;

    public Task<Stream?> OpenMetadataAsync(string fileName, CancellationToken cancellationToken)
    {
        Requests.Add(fileName);
        return Task.FromResult(Tamper(fileName, Open(Metadata, fileName)));
    }

    public Task<Stream?> OpenTargetAsync(string path, CancellationToken cancellationToken)
    {
        TargetRequests.Add(path);
        return Task.FromResult(Tamper(path, Open(Targets, path)));
    }

    private static MemoryStream? Open(Dictionary<string, byte[]> files, string name) => files.TryGetValue(name, out var bytes) ? new MemoryStream(bytes) : null;
}
