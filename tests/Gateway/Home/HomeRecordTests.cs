using System.Diagnostics;
using System.Net;
using Gatehouse.Home;
using Gatehouse.Home.Storage;
using Gatehouse.Wire;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Gatehouse.Tests.Gateway.Home;

public sealed class HomeRecordTests : IDisposable
{
    private static readonly MacAddress Plug = MacAddress.Parse("02:00:00:00:00:01");
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-record-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "record.db");

    [Fact]
    public async Task What_was_applied_is_there_after_opening_again()
    {
        var now = DateTimeOffset.UnixEpoch;
        await using (var record = HomeRecord.Open(Path, TimeProvider.System))
        {
            await record.ApplyAsync(new ThingSeen(Plug, IPAddress.Parse("192.0.2.7"), "plug") { At = now }, CancellationToken.None);
            await record.ApplyAsync(new QuestionAsked(Plug, QuestionKind.Reach, "cloud.example", Permission.UsualPorts, "") { At = now }, CancellationToken.None);
            await record.ApplyAsync(new QuestionAnswered(1, Answer.Yes) { At = now }, CancellationToken.None);
        }

        await using var again = HomeRecord.Open(Path, TimeProvider.System);

        Assert.Equal("192.0.2.7", again.Current.Things[Plug].Address?.ToString());
        Assert.Equal("cloud.example", Assert.Single(again.Current.Permissions.Values).Name);
        Assert.Equal(["question.answered", "question.asked", "thing.seen"],
            (await again.JournalAsync(null, long.MaxValue, 10, CancellationToken.None)).Select(entry => entry.Kind));
    }

    [Fact]
    public async Task A_full_disk_fails_the_change_and_loses_nothing()
    {
        Lab.RequireNamespaces();
        Run("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", _folder);
        await using var record = HomeRecord.Open(Path, TimeProvider.System);
        await record.ApplyAsync(new ThingSeen(Plug, null, "plug") { At = DateTimeOffset.UnixEpoch }, CancellationToken.None);

        var kept = 0;
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            for (; kept < 10_000; kept++)
                await record.ApplyAsync(new ThingNamed(Plug, $"name {kept}") { At = DateTimeOffset.UnixEpoch }, CancellationToken.None);
        });
        Assert.InRange(kept, 1, 9_999);
        Assert.Equal($"name {kept - 1}", record.Current.Things[Plug].OwnerName);

        Run("mount", "-o", "remount,size=8m", _folder);
        await record.ApplyAsync(new ThingNamed(Plug, "after") { At = DateTimeOffset.UnixEpoch }, CancellationToken.None);
        await record.DisposeAsync();
        await using (var again = HomeRecord.Open(Path, TimeProvider.System))
        {
            Assert.Equal("after", again.Current.Things[Plug].OwnerName);
            Assert.Equal(kept + 2, (await again.JournalAsync(null, long.MaxValue, 1, CancellationToken.None))[0].Sequence);
        }

        Run("umount", "-l", _folder);
    }

    [Fact]
    public async Task The_journal_cannot_be_edited()
    {
        await using (var record = HomeRecord.Open(Path, TimeProvider.System))
            await record.ApplyAsync(new Noted("test", null, "Something.") { At = DateTimeOffset.UnixEpoch }, CancellationToken.None);

        using var connection = new SqliteConnection($"Data Source={Path};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE journal SET sentence = 'nothing'";

        Assert.Contains("append-only", Assert.Throws<SqliteException>(() => command.ExecuteNonQuery()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_of_a_later_version_is_left_alone()
    {
        using (var connection = new SqliteConnection($"Data Source={Path};Pooling=false"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE tomorrow (x); PRAGMA user_version = 99";
            command.ExecuteNonQuery();
        }

        var refused = Assert.Throws<RecordTooNewException>(() => HomeRecord.Open(Path, TimeProvider.System));

        Assert.Contains("99", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_record_of_the_first_version_is_brought_forward()
    {
        // The first version's own tables, with one Thing in them, as released.
        using (var connection = new SqliteConnection($"Data Source={Path};Pooling=false"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = await File.ReadAllTextAsync(System.IO.Path.Combine(AppContext.BaseDirectory, "Home", "record-v1.sql"));
            command.ExecuteNonQuery();
        }

        await using var record = HomeRecord.Open(Path, TimeProvider.System);

        Assert.Equal("Kettle", record.Current.Things[Plug].OwnerName);
        Assert.Equal(1, (await record.JournalAsync(Plug, long.MaxValue, 10, CancellationToken.None))[0].Sequence);
    }

    [Fact]
    public async Task Only_its_owner_may_read_the_record()
    {
        await using var record = HomeRecord.Open(Path, TimeProvider.System);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Fact]
    public async Task A_secret_is_kept_and_never_in_the_journal()
    {
        await using (var record = HomeRecord.Open(Path, TimeProvider.System))
        {
            await record.Vault.KeepAsync(Plug, "root", "s3cret-of-the-plug", CancellationToken.None);
            await record.ApplyAsync(new Noted("password.rotated", Plug, "It has a password of its own now.") { At = DateTimeOffset.UnixEpoch }, CancellationToken.None);
        }

        await using var again = HomeRecord.Open(Path, TimeProvider.System);

        Assert.Equal("s3cret-of-the-plug", await again.Vault.FindAsync(Plug, "root", CancellationToken.None));
        Assert.DoesNotContain(await again.JournalAsync(null, long.MaxValue, 100, CancellationToken.None), entry => entry.Details.Contains("s3cret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_slow_reader_of_changes_loses_the_oldest_and_sees_the_newest()
    {
        await using var record = HomeRecord.Open(Path, TimeProvider.System);
        var reader = record.Subscribe(capacity: 4);

        for (var i = 0; i < 20; i++) await record.ApplyAsync(new ThingSeen(new MacAddress((ulong)i + 2), null, null) { At = DateTimeOffset.UnixEpoch }, CancellationToken.None);

        var seen = new List<Recorded>();
        while (reader.TryRead(out var recorded)) seen.Add(recorded);
        Assert.Equal(4, seen.Count);
        Assert.Equal(20, seen[^1].After.Things.Count);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments)!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task An_answer_and_an_update_are_in_the_journal_of_the_Thing_they_are_about()
    {
        await using var record = HomeRecord.Open(Path, TimeProvider.System);
        foreach (var change in (Change[])
        [
            new ThingSeen(Plug, null, "plug") { At = DateTimeOffset.UnixEpoch },
            new QuestionAsked(Plug, QuestionKind.Reach, "cloud.example", Permission.UsualPorts, "") { At = DateTimeOffset.UnixEpoch },
            new QuestionAnswered(1, Answer.No) { At = DateTimeOffset.UnixEpoch },
        ]) await record.ApplyAsync(change, CancellationToken.None);

        Assert.Equal(["question.answered", "question.asked", "thing.seen"], (await record.JournalAsync(Plug, long.MaxValue, 10, CancellationToken.None)).Select(entry => entry.Kind));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
