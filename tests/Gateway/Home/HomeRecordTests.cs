using System.Net;
using Gatehouse.Home;
using Gatehouse.Wire;
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

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
