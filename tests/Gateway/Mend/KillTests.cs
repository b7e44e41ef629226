using Gatehouse.Home;
using Gatehouse.Tests.Gateway.Mend.Simulation;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

/// <summary>The gateway is killed between every two writes of an update, and the Thing's power is cut there; both ends must be the usual ones.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    public static TheoryData<string, bool, bool> Runs => new()
    {
        { "tasmota", true, false }, { "tasmota", true, true }, { "tasmota", false, false },
        { "swupdate", true, false }, { "swupdate", true, true }, { "swupdate", false, false }, { "swupdate", false, true },
    };

    [Theory, MemberData(nameof(Runs))]
    public async Task Killed_between_any_two_writes_the_update_ends_as_it_would_have(string kind, bool isGood, bool cutsPower)
    {
        var kills = 0;
        for (var look = 1; ; look++)
        {
            await using var world = new MendWorld(clock => MendWorld.Make(kind, clock), hasKnownPassword: true);
            await world.IntroduceAsync();
            await world.Record.ApplyAsync(new PortForwardFound(TransportProtocol.Tcp, 2323, "192.0.2.7", 23, MendWorld.Mac) { At = world.Clock.Now }, CancellationToken.None);
            await world.Record.ApplyAsync(new RestraintSet(MendWorld.Mac, Restraint.CutOff, "It flooded.") { At = world.Clock.Now }, CancellationToken.None);
            await world.OfferAsync("1.1.0", web: isGood);
            await world.ConsentAsync();
            world.Clock.KillAtLook = world.Clock.Looks + look;
            if (!await IsKilledAsync(world)) break;

            kills++;
            if (cutsPower) world.Thing.CutPower();
            await world.RestartAsync();
            world.Clock.Advance(TimeSpan.FromSeconds(20));
            if (!world.Job.HasEnded) await world.RunAsync();

            var (state, at) = (world.Record.Current, $"killed at look {look}: {world.Job.State} {world.Job.Reason}");
            Assert.True(isGood ? world.Job.State == UpdateState.Done : world.Job.State is UpdateState.RolledBack or UpdateState.Refused, at);
            Assert.True(world.Thing.Running == (isGood ? "1.1.0" : "1.0.0"), at);
            Assert.True(state.OfferFor(MendWorld.Mac) is null, at);
            if (!isGood) continue;
            Assert.True(world.Known.Restraint == Restraint.None, at);
            Assert.True(state.PortForwards.Values.All(forward => !forward.IsOpen), at);
            Assert.True(world.Thing.Telnet!.Password == await world.Record.Vault.FindAsync(MendWorld.Mac, "telnet:23:root", CancellationToken.None), at);
        }

        output.WriteLine($"{kind}, {(isGood ? "sound" : "unwell")} release{(cutsPower ? ", power cut" : "")}: killed at {kills} places");
        Assert.InRange(kills, 7, 100);
    }

    [Theory]
    [InlineData(UpdateState.Fetching, UpdateState.Refused, "1.0.0")]
    [InlineData(UpdateState.Installing, UpdateState.Refused, "1.0.0")]
    [InlineData(UpdateState.Checking, UpdateState.RolledBack, "1.0.0")]
    public async Task A_step_that_ends_the_gateway_each_time_is_given_up(UpdateState step, UpdateState end, string running)
    {
        await using var world = new MendWorld(clock => new SimulatedTasmota(clock));
        await world.IntroduceAsync();
        await world.OfferAsync("1.1.0");
        await world.ConsentAsync();
        world.Thing.Connecting = () =>
        {
            if (world.Job.State == step) world.Clock.KillAtLook = 1;
        };
        var kills = 0;
        while (await IsKilledAsync(world))
        {
            Assert.InRange(++kills, 1, 20);
            await world.RestartAsync();
        }

        Assert.True(world.Job.State == end, $"{world.Job.State} {world.Job.Reason}");
        Assert.Equal(running, world.Thing.Running);
        Assert.Equal(Gatehouse.Mend.UpdateEngine.MaxAttempts, kills);
    }

    private static async Task<bool> IsKilledAsync(MendWorld world)
    {
        try
        {
            await world.RunAsync();
            return false;
        }
        catch (KilledException)
        {
            return true;
        }
    }
}
