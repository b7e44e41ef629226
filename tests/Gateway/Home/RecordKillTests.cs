using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Gatehouse.Home;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.Home;

/// <summary>Kills a process that writes the record, at random moments, and looks at what it left.</summary>
public sealed class RecordKillTests : IDisposable
{
    private const string WriterVariable = "GATEHOUSE_TEST_RECORD_WRITER";
    private static readonly MacAddress Plug = MacAddress.Parse("02:00:00:00:00:01");
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-kill-").FullName;

    [Fact]
    public async Task What_the_record_said_it_had_kept_is_there_after_kill_9()
    {
        const int Kills = 25;
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var path = Path.Combine(_folder, "record.db");
        var acknowledged = 0L;

        for (var i = 0; i < Kills; i++)
        {
            acknowledged = Math.Max(acknowledged, await WriteUntilKilledAsync(path, TimeSpan.FromMilliseconds(random.Next(1, 60))));

            await using var record = HomeRecord.Open(path, TimeProvider.System);
            var last = (await record.JournalAsync(null, long.MaxValue, 1000, CancellationToken.None)).FirstOrDefault()?.Sequence ?? 0;
            Assert.True(last >= acknowledged, $"seed {seed}, kill {i}: line {acknowledged} was acknowledged, the journal ends at {last}");
            // The state and the journal were written together: the name in force is the one of the last line.
            if (last > 1) Assert.Equal($"name {last}", record.Current.Things[Plug].OwnerName);
        }

        Assert.True(acknowledged > Kills, $"seed {seed}: only {acknowledged} changes were written; the test proves nothing");
    }

    /// <summary>The child process: writes and acknowledges one change after the other until it is killed. Started by <see cref="WriteUntilKilledAsync"/> only.</summary>
    [ModuleInitializer]
    internal static void WriteWhenAsked()
    {
        if (Environment.GetEnvironmentVariable(WriterVariable) is not { } path) return;

        var record = HomeRecord.Open(path, TimeProvider.System);
        record.ApplyAsync(new ThingSeen(Plug, null, null) { At = DateTimeOffset.UnixEpoch }, CancellationToken.None).Wait();
        for (var last = record.JournalAsync(null, long.MaxValue, 1, CancellationToken.None).Result.FirstOrDefault()?.Sequence ?? 0; ; last++)
        {
            record.ApplyAsync(new ThingNamed(Plug, $"name {last + 1}") { At = DateTimeOffset.UnixEpoch }, CancellationToken.None).Wait();
            System.Console.WriteLine(last + 1);
        }
    }

    /// <returns>The last journal line the writer said was on disk.</returns>
    private static async Task<long> WriteUntilKilledAsync(string path, TimeSpan after)
    {
        using var writer = Process.Start(new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, Environment = { [WriterVariable] = path } })!;
        var first = await writer.StandardOutput.ReadLineAsync();
        await Task.Delay(after);
        writer.Kill();
        var said = await writer.StandardOutput.ReadToEndAsync();
        await writer.WaitForExitAsync();
        // The last line may have been cut; one before it was whole.
        var whole = (first + "\n" + said)[..((first + "\n" + said).LastIndexOf('\n') + 1)];
        return long.Parse(whole.TrimEnd('\n').Split('\n')[^1], CultureInfo.InvariantCulture);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
