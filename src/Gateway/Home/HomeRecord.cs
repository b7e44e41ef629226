using System.Collections.Immutable;
using System.Threading.Channels;
using Gatehouse.Home.Storage;
using Gatehouse.Wire;

namespace Gatehouse.Home;

/// <summary>One change that is on disk, with the states around it.</summary>
public sealed record Recorded(Change Change, HomeState Before, HomeState After, JournalEntry Entry);

/// <summary>
/// The record: the single writer of everything that lasts. <see cref="ApplyAsync"/> returns when the change and its journal line are on disk;
/// <see cref="Current"/> is the state to decide by, replaced in one write.
/// </summary>
public sealed class HomeRecord : IAsyncDisposable
{
    private readonly RecordStore _store;
    private readonly SemaphoreSlim _writer = new(1, 1);
    private ImmutableArray<Channel<Recorded>> _subscribers = [];
    private HomeState _current;
    private int _closed;

    private HomeRecord(RecordStore store, TimeProvider time)
    {
        _store = store;
        _current = store.Load();
        Time = time;
        Vault = new Vault(store, _writer, time);
    }

    public TimeProvider Time { get; }

    /// <summary>The passwords Gatehouse set on Things, kept apart from the state and out of the journal.</summary>
    public Vault Vault { get; }

    public HomeState Current => Volatile.Read(ref _current);

    /// <summary>Opens the record at <paramref name="path"/>, or makes one that only its owner may read.</summary>
    /// <exception cref="RecordTooNewException">A later Gatehouse wrote it.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static HomeRecord Open(string path, TimeProvider time)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        if (!File.Exists(path))
        {
            using var made = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }

        return new HomeRecord(new RecordStore(path), time);
    }

    /// <summary>Applies and stores a change. One that changes nothing is not journalled, except a <see cref="Noted"/>.</summary>
    /// <returns>The state after it.</returns>
    /// <remarks>Once the write has begun the token is ignored: a change is on disk or never was.</remarks>
    public async Task<HomeState> ApplyAsync(Change change, CancellationToken cancellationToken)
    {
        await _writer.WaitAsync(cancellationToken);
        try
        {
            var before = _current;
            var after = HomeLimits.Trim(change.Apply(before));
            if (ReferenceEquals(before, after) && change is not Noted) return before;

            var entry = _store.Write(before, after, change);
            Volatile.Write(ref _current, after);
            foreach (var subscriber in _subscribers) subscriber.Writer.TryWrite(new Recorded(change, before, after, entry));
            return after;
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>
    /// Changes from now on, oldest first. A reader more than <paramref name="capacity"/> behind loses the oldest, never the newest: it decides
    /// by <see cref="Recorded.After"/> or <see cref="Current"/>, which is whole in any case.
    /// </summary>
    public ChannelReader<Recorded> Subscribe(int capacity)
    {
        var channel = Channel.CreateBounded<Recorded>(new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        ImmutableInterlocked.Update(ref _subscribers, list => list.Add(channel));
        return channel.Reader;
    }

    /// <summary>Ends a subscription.</summary>
    public void Unsubscribe(ChannelReader<Recorded> reader) =>
        ImmutableInterlocked.Update(ref _subscribers, list => list.RemoveAll(channel => channel.Reader == reader));

    /// <summary>Journal lines, newest first: at most <paramref name="count"/>, older than <paramref name="before"/>, of one Thing or of all (null).</summary>
    public async Task<ImmutableArray<JournalEntry>> JournalAsync(MacAddress? thing, long before, int count, CancellationToken cancellationToken)
    {
        await _writer.WaitAsync(cancellationToken);
        try
        {
            return _store.Journal(thing, before, Math.Clamp(count, 1, 1000));
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>A small value that is no part of the state (a claim code's hash, a webhook's address), or null.</summary>
    public async Task<string?> SettingAsync(string name, CancellationToken cancellationToken)
    {
        await _writer.WaitAsync(cancellationToken);
        try
        {
            return _store.Setting("x." + name);
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>Stores a small value that is no part of the state.</summary>
    public async Task SetSettingAsync(string name, string value, CancellationToken cancellationToken)
    {
        await _writer.WaitAsync(cancellationToken);
        try
        {
            _store.Set("x." + name, value);
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>Closes the file after the change under way. What comes later throws <see cref="ObjectDisposedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        await _writer.WaitAsync();
        foreach (var subscriber in _subscribers) subscriber.Writer.TryComplete();
        _store.Dispose();
        _writer.Dispose();
    }
}
