using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gatehouse.Wire;
using Microsoft.Data.Sqlite;

namespace Gatehouse.Home.Storage;

/// <summary>The record's file: one row per Thing, permission, question…, and the journal. Used by one thread at a time.</summary>
internal sealed class RecordStore : IDisposable
{
    /// <summary>Journal lines kept; the oldest tenth goes when it is full. At 500 bytes a line this is about 100 MB, years of a home.</summary>
    public const int MaxJournalLines = 200_000;

    private readonly SqliteConnection _connection;
    private long _sequence;

    public RecordStore(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        // FULL: a commit is on the disk when it returns, also when the power goes.
        Sql.Run(_connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;");
        Schema.Migrate(_connection);
        _sequence = Convert.ToInt64(Sql.Scalar(_connection, "SELECT COALESCE(MAX(sequence), 0) FROM journal"), CultureInfo.InvariantCulture);
    }

    public HomeState Load()
    {
        var json = HomeJson.Default;
        return new HomeState
        {
            Things = Rows("thing", json.Thing).ToImmutableDictionary(thing => thing.Mac),
            Permissions = Rows("permission", json.Permission).ToImmutableDictionary(item => item.Id),
            PortForwards = Rows("forward", json.PortForward).ToImmutableDictionary(item => item.Id),
            Questions = Rows("question", json.Question).ToImmutableDictionary(item => item.Id),
            Findings = Rows("finding", json.Finding).ToImmutableDictionary(item => item.Id),
            Offers = Rows("offer", json.Offer).ToImmutableDictionary(item => item.Id),
            Updates = Rows("update", json.UpdateJob).ToImmutableDictionary(item => item.Id),
            Mode = Setting("mode") is { } mode ? Enum.Parse<GuardMode>(mode) : GuardMode.Guarding,
            PanicUntil = Setting("panic") is { Length: > 0 } until ? DateTimeOffset.Parse(until, CultureInfo.InvariantCulture) : null,
            NextId = Setting("next-id") is { } next ? long.Parse(next, CultureInfo.InvariantCulture) : 1,
        };
    }

    /// <summary>Writes what differs between the states and the journal line, all or nothing.</summary>
    public JournalEntry Write(HomeState before, HomeState after, Change change)
    {
        using var transaction = _connection.BeginTransaction();
        var json = HomeJson.Default;
        WriteDifference("thing", before.Things, after.Things, json.Thing);
        WriteDifference("permission", before.Permissions, after.Permissions, json.Permission);
        WriteDifference("forward", before.PortForwards, after.PortForwards, json.PortForward);
        WriteDifference("question", before.Questions, after.Questions, json.Question);
        WriteDifference("finding", before.Findings, after.Findings, json.Finding);
        WriteDifference("offer", before.Offers, after.Offers, json.Offer);
        WriteDifference("update", before.Updates, after.Updates, json.UpdateJob);
        if (before.Mode != after.Mode) Set("mode", after.Mode.ToString());
        if (before.PanicUntil != after.PanicUntil) Set("panic", after.PanicUntil?.ToString("O", CultureInfo.InvariantCulture) ?? "");
        if (before.NextId != after.NextId) Set("next-id", after.NextId.ToString(CultureInfo.InvariantCulture));

        var details = JsonSerializer.Serialize(change, json.Change);
        using var parsed = JsonDocument.Parse(details);
        var entry = new JournalEntry(_sequence + 1, change.At, parsed.RootElement.GetProperty("$type").GetString()!, change.AboutIn(before), change.Describe(before), details);
        Sql.Run(_connection, "INSERT INTO journal (sequence, at, kind, thing, sentence, details) VALUES ($sequence, $at, $kind, $thing, $sentence, $details)",
            ("$sequence", entry.Sequence), ("$at", entry.At.ToUnixTimeMilliseconds()), ("$kind", entry.Kind),
            ("$thing", entry.Thing?.ToString()), ("$sentence", entry.Sentence), ("$details", entry.Details));
        if (entry.Sequence % (MaxJournalLines / 10) == 0)
            Sql.Run(_connection, "DELETE FROM journal WHERE sequence <= $last", ("$last", entry.Sequence - MaxJournalLines));
        transaction.Commit();
        _sequence = entry.Sequence;
        return entry;
    }

    /// <summary>The newest lines first, at most <paramref name="count"/>, before <paramref name="before"/>, of one Thing or all.</summary>
    public ImmutableArray<JournalEntry> Journal(MacAddress? thing, long before, int count)
    {
        using var command = Sql.Command(_connection,
            "SELECT sequence, at, kind, thing, sentence, details FROM journal WHERE sequence < $before AND ($thing IS NULL OR thing = $thing) ORDER BY sequence DESC LIMIT $count",
            ("$before", before), ("$thing", thing?.ToString()), ("$count", count));
        using var reader = command.ExecuteReader();
        var entries = ImmutableArray.CreateBuilder<JournalEntry>();
        while (reader.Read())
        {
            entries.Add(new JournalEntry(reader.GetInt64(0), DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(1)), reader.GetString(2),
                reader.IsDBNull(3) ? null : MacAddress.Parse(reader.GetString(3)), reader.GetString(4), reader.GetString(5)));
        }

        return entries.DrainToImmutable();
    }

    public string? Secret(MacAddress thing, string name) =>
        (string?)Sql.Scalar(_connection, "SELECT value FROM secret WHERE thing = $thing AND name = $name", ("$thing", thing.ToString()), ("$name", name));

    public void SetSecret(MacAddress thing, string name, string value, DateTimeOffset at) => Sql.Run(_connection,
        "INSERT INTO secret (thing, name, value, at) VALUES ($thing, $name, $value, $at) ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at",
        ("$thing", thing.ToString()), ("$name", name), ("$value", value), ("$at", at.ToUnixTimeMilliseconds()));

    public string? Setting(string name) => (string?)Sql.Scalar(_connection, "SELECT body FROM entity WHERE kind = 'setting' AND id = $id", ("$id", name));

    public void Set(string name, string value) => Put("setting", name, value);

    public void Dispose() => _connection.Dispose();

    private IEnumerable<T> Rows<T>(string kind, JsonTypeInfo<T> type)
    {
        using var command = Sql.Command(_connection, "SELECT body FROM entity WHERE kind = $kind", ("$kind", kind));
        using var reader = command.ExecuteReader();
        while (reader.Read()) yield return JsonSerializer.Deserialize(reader.GetString(0), type)!;
    }

    private void WriteDifference<TKey, T>(string kind, ImmutableDictionary<TKey, T> before, ImmutableDictionary<TKey, T> after, JsonTypeInfo<T> type)
        where TKey : notnull where T : class
    {
        if (ReferenceEquals(before, after)) return;

        // Records are replaced, never edited, so a row that is the same instance is the same row.
        foreach (var (key, item) in after)
        {
            if (!before.TryGetValue(key, out var old) || !ReferenceEquals(old, item)) Put(kind, key.ToString()!, JsonSerializer.Serialize(item, type));
        }

        foreach (var key in before.Keys)
        {
            if (!after.ContainsKey(key)) Sql.Run(_connection, "DELETE FROM entity WHERE kind = $kind AND id = $id", ("$kind", kind), ("$id", key.ToString()));
        }
    }

    private void Put(string kind, string id, string body) => Sql.Run(_connection,
        "INSERT INTO entity (kind, id, body) VALUES ($kind, $id, $body) ON CONFLICT DO UPDATE SET body = excluded.body", ("$kind", kind), ("$id", id), ("$body", body));
}
