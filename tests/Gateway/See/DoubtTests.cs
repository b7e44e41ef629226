using System.Net;
using Gatehouse.Home;
using Gatehouse.Packs;
using Gatehouse.See;
using Gatehouse.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gatehouse.Tests.Gateway.See;

/// <summary>From frames to the record: a laptop is let out, one that copies it is not, and the owner is asked once.</summary>
public sealed class DoubtTests : IAsyncLifetime
{
    private static readonly MacAddress Laptop = MacAddress.Parse("a4:bb:6d:01:02:03");
    private static readonly MacAddress Copycat = MacAddress.Parse("02:00:00:00:00:05");
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-doubt-").FullName;
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly CancellationTokenSource _stop = new();
    private readonly SightingReader _reader = new(IPNetwork.Parse("192.168.77.0/24"), []);
    private HomeRecord _record = null!;
    private Task _running = Task.CompletedTask;

    public ValueTask InitializeAsync()
    {
        _record = HomeRecord.Open(Path.Combine(_folder, "record.db"), _time);
        _running = new SeeService(_record, _reader, new(), new(PackLibrary.Empty, MacVendors.BuiltIn), null, NullLogger<SeeService>.Instance).RunAsync(_stop.Token);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_laptop_is_let_out_and_its_copycat_becomes_one_question_that_names_the_trick()
    {
        Take(Frames.DhcpFrame(Laptop, "anna-laptop", "MSFT 5.0"));
        Take(Frames.DnsFrame(Laptop, "192.168.77.20", "www.msftconnecttest.com"));
        for (var i = 0; i < 10; i++) Take(Frames.DnsFrame(Laptop, "192.168.77.20", $"www.site{i}.example{i}"));
        await UntilAsync(() => _record.Current.Find(Laptop)?.Class == DeviceClass.Computer);

        Take(Frames.DhcpFrame(Copycat, "anna-laptop", "MSFT 5.0"));
        await UntilAsync(() => _record.Current.Find(Copycat)?.HostName == "anna-laptop");
        Assert.Empty(_record.Current.OpenQuestions);
        for (var i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(2);
        }

        await UntilAsync(() => _record.Current.OpenQuestions.Any());
        var question = Assert.Single(_record.Current.OpenQuestions);
        Assert.Equal((Copycat, QuestionKind.IsComputer, "anna-laptop"), (question.Thing, question.Kind, question.Subject));
        Assert.Contains("has the same name", question.Hint, StringComparison.Ordinal);
        Assert.Equal(DeviceClass.Thing, _record.Current.Find(Copycat)!.Class);
        Assert.Equal(DeviceClass.Computer, _record.Current.Find(Laptop)!.Class);
    }

    [Fact]
    public async Task The_owners_choice_stands_against_all_evidence()
    {
        Take(Frames.DhcpFrame(Copycat, "player", "udhcp 1.36"));
        await UntilAsync(() => _record.Current.Find(Copycat) is not null);
        await _record.ApplyAsync(new ClassChosen(Copycat, DeviceClass.Computer) { At = _time.GetUtcNow() }, CancellationToken.None);

        Take(Frames.Udp(Copycat, "192.168.77.30", 1900, 1900, "NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: urn:Belkin:device:controllee:1\r\n\r\n"u8.ToArray()));
        _time.Advance(TimeSpan.FromSeconds(1));
        await Task.Delay(50);

        Assert.Equal(DeviceClass.Computer, _record.Current.Find(Copycat)!.Class);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _record.DisposeAsync();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Take(byte[] frame) => _reader.Take(Frames.Frame(frame, (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100));

    private async Task UntilAsync(Func<bool> holds)
    {
        for (var i = 0; i < 1000 && !holds(); i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Delay(2);
        }

        Assert.True(holds(), "it did not come to pass");
    }
}
