using Microsoft.Data.Sqlite;

namespace Gatehouse.Home.Storage;

/// <summary>The record's tables, as a list of steps forward. A file of any earlier version is brought up to date in one transaction.</summary>
internal static class Schema
{
    /// <summary>Steps in order; a file's <c>user_version</c> counts how many it has. A step that was released is never edited.</summary>
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE entity (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
        CREATE TABLE journal (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, thing TEXT, sentence TEXT NOT NULL, details TEXT NOT NULL);
        CREATE INDEX journal_thing ON journal (thing, sequence);
        CREATE TRIGGER journal_is_append_only BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
        CREATE TABLE secret (thing TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (thing, name)) WITHOUT ROWID;
        """,
    ];

    public static int Version => Steps.Length;

    /// <exception cref="RecordTooNewException">A later Gatehouse wrote the file.</exception>
    public static void Migrate(SqliteConnection connection)
    {
        var has = Convert.ToInt32(Sql.Scalar(connection, "PRAGMA user_version"), System.Globalization.CultureInfo.InvariantCulture);
        if (has > Version) throw new RecordTooNewException(has, Version);
        if (has == Version) return;

        using var transaction = connection.BeginTransaction();
        foreach (var step in Steps[has..]) Sql.Run(connection, step);
        Sql.Run(connection, $"PRAGMA user_version = {Version}");
        transaction.Commit();
    }
}

/// <summary>The record was written by a later version of Gatehouse; it is left untouched.</summary>
public sealed class RecordTooNewException(int has, int known)
    : Exception($"The record has version {has}; this Gatehouse knows versions up to {known}. Install the newer Gatehouse again, or move the record away.");
