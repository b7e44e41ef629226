using Gatehouse.Home;
using Gatehouse.Mend;
using Gatehouse.Tests.Gateway.Mend.Simulation;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

public sealed class MendServiceTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Consent_in_the_record_is_what_begins_an_update()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync();
        await world.OfferAsync("1.1.0");
        using var stop = new CancellationTokenSource();
        var running = Service(world).RunAsync(stop.Token);

        await world.ConsentAsync();
        await UntilAsync(world, state => state.Updates.Values.Any(update => update.HasEnded));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(_patience));

        Assert.Equal((UpdateState.Done, "1.1.0"), (world.Job.State, world.Thing.Running));
    }

    [Fact]
    public async Task What_was_under_way_goes_on_when_the_gateway_starts()
    {
        await using var world = new MendWorld(clock => new SimulatedRecorder(clock));
        await world.IntroduceAsync();
        await world.OfferAsync("1.1.0");
        await world.ConsentAsync();
        world.Clock.KillAtLook = world.Clock.Looks + 4;
        await Assert.ThrowsAsync<KilledException>(world.RunAsync);
        await world.RestartAsync();
        using var stop = new CancellationTokenSource();

        var running = Service(world).RunAsync(stop.Token);
        await UntilAsync(world, state => state.Updates.Values.All(update => update.HasEnded));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(_patience));

        Assert.Equal((UpdateState.Done, "1.1.0"), (world.Job.State, world.Thing.Running));
    }

    [Fact]
    public async Task Starting_says_what_came_of_it()
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync();
        using var service = Service(world);

        Assert.Equal(StartOutcome.NothingOffered, (await service.StartAsync(MendWorld.Mac, "owner", CancellationToken.None)).Outcome);

        await world.OfferAsync("1.1.0");
        var begun = await service.StartAsync(MendWorld.Mac, "owner", CancellationToken.None);
        var again = await service.StartAsync(MendWorld.Mac, "owner", CancellationToken.None);

        Assert.Equal((StartOutcome.Begun, world.Job.Id), (begun.Outcome, begun.UpdateId));
        Assert.Equal((StartOutcome.AlreadyUnderWay, world.Job.Id), (again.Outcome, again.UpdateId));
        Assert.Single(world.Record.Current.Updates);
    }

    private static MendService Service(MendWorld world) =>
        new(world.Record, world.Packs, world.Map, world.Repositories, world.Shelf, world.Thing, NullLoggerFactory.Instance);

    private static async Task UntilAsync(MendWorld world, Func<HomeState, bool> isSo)
    {
        var changes = world.Record.Subscribe(1000);
        using var limit = new CancellationTokenSource(_patience);
        while (!isSo(world.Record.Current)) await changes.ReadAsync(limit.Token);
    }
}
