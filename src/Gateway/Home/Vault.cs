using Gatehouse.Home.Storage;
using Gatehouse.Wire;

namespace Gatehouse.Home;

/// <summary>The passwords Gatehouse chose for Things. They are in the record's file, which only its owner may read, and nowhere else.</summary>
public sealed class Vault
{
    private readonly RecordStore _store;
    private readonly SemaphoreSlim _writer;
    private readonly TimeProvider _time;

    internal Vault(RecordStore store, SemaphoreSlim writer, TimeProvider time) => (_store, _writer, _time) = (store, writer, time);

    /// <summary>The secret called <paramref name="name"/> (an account on the Thing), or null.</summary>
    public async Task<string?> FindAsync(MacAddress thing, string name, CancellationToken cancellationToken)
    {
        await _writer.WaitAsync(cancellationToken);
        try
        {
            return _store.Secret(thing, name);
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>Keeps a secret; on disk when this returns. Called before the Thing is told, so that a crash between the two locks nobody out.</summary>
    public async Task KeepAsync(MacAddress thing, string name, string value, CancellationToken cancellationToken)
    {
        await _writer.WaitAsync(cancellationToken);
        try
        {
            _store.SetSecret(thing, name, value, _time.GetUtcNow());
        }
        finally
        {
            _writer.Release();
        }
    }
}
