using Gatehouse.Home;
using Gatehouse.Tests.Gateway.Mend.Simulation;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

public sealed class UpdateEngineTests
{
    public static TheoryData<string> Kinds => ["tasmota", "swupdate"];

    [Theory, MemberData(nameof(Kinds))]
    public async Task An_update_ends_with_the_version_read_back(string kind)
    {
        await using var world = new MendWorld(clock => MendWorld.Make(kind, clock));

        var job = await world.UpdateAsync("1.1.0");

        Assert.Equal((UpdateState.Done, "", "1.1.0", "1.1.0"), (job.State, job.Reason, world.Thing.Running, world.Known.Identity.Firmware?.Value));
        Assert.Equal(1, world.Thing.Uploads);
        Assert.Null(world.Record.Current.OfferFor(MendWorld.Mac));
    }
}
