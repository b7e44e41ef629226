using System.Diagnostics;
using System.Net;
using Gatehouse.Home;
using Gatehouse.Packs;
using Gatehouse.See;
using Gatehouse.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gatehouse.Tests.Gateway.See;

public sealed class SeeServiceTests : IAsyncLifetime
{
    private static readonly MacAddress Plug = MacAddress.Parse("02:00:00:00:00:01");
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-see-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly SightingReader _reader = new(IPNetwork.Parse("192.168.77.0/24"), [MacAddress.Parse("02:00:00:00:00:fe")]);
    private readonly SightingQueue _queue = new();
    private HomeRecord _record = null!;
    private Task _running = Task.CompletedTask;

    public ValueTask InitializeAsync()
    {
        _record = HomeRecord.Open(Path.Combine(_folder, "record.db"), TimeProvider.System);
        _running = new SeeService(_record, _reader, _queue, new(PackLibrary.Empty, MacVendors.BuiltIn), null, NullLogger<SeeService>.Instance).RunAsync(_stop.Token);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_device_is_in_the_record_within_100_ms_of_its_first_frame()
    {
        await UntilAsync(() => true); // the service's first moments are compilation, not its work
        _reader.Take(Frames.Frame(Frames.DhcpFrame(MacAddress.Parse("02:00:00:00:00:09"), "warm", null), Now()));
        await UntilAsync(() => _record.Current.Things.Count == 1);

        var watch = Stopwatch.StartNew();
        _reader.Take(Frames.Frame(Frames.DhcpFrame(Plug, "plug", "udhcp 1.36"), Now()));
        await UntilAsync(() => _record.Current.Find(Plug) is not null);

        Assert.True(watch.ElapsedMilliseconds < 100, $"it took {watch.ElapsedMilliseconds} ms");
        await UntilAsync(() => _record.Current.Find(Plug)?.HostName == "plug");
        Assert.Equal(DeviceClass.Thing, _record.Current.Find(Plug)!.Class);
    }

    [Fact]
    public async Task An_address_said_by_ARP_is_recorded_but_taken_from_nobody()
    {
        var laptop = MacAddress.Parse("02:00:00:00:00:02");
        var address = IPAddress.Parse("192.168.77.20");
        await _record.ApplyAsync(new ThingSeen(laptop, address, "laptop") { At = DateTimeOffset.UtcNow }, CancellationToken.None);

        _reader.Take(Frames.Frame(Frames.Arp(Plug, "192.168.77.20"), Now()));
        await UntilAsync(() => _record.Current.Find(Plug) is not null);
        await Task.Delay(50);
        Assert.Null(_record.Current.Find(Plug)!.Address);
        Assert.Equal(address, _record.Current.Find(laptop)!.Address);

        _reader.Take(Frames.Frame(Frames.Arp(Plug, "192.168.77.21"), Now()));
        await UntilAsync(() => _record.Current.Find(Plug)!.Address is not null);
        Assert.Equal("192.168.77.21", _record.Current.Find(Plug)!.Address!.ToString());
    }

    [Fact]
    public async Task Other_parts_add_what_they_learn()
    {
        _queue.Add(Sighting.FromDnsQuery(Plug, "cloud.example", DateTimeOffset.UtcNow));

        await UntilAsync(() => _record.Current.Find(Plug) is not null);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _record.DisposeAsync();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static long Now() => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;

    private static async Task UntilAsync(Func<bool> holds)
    {
        for (var i = 0; i < 2000 && !holds(); i++) await Task.Delay(2);
        Assert.True(holds(), "it did not come to pass in 4 s");
    }
}
