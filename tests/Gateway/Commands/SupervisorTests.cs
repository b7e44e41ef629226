using Gatehouse.Commands;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Commands;

public sealed class SupervisorTests
{
    [Fact]
    public async Task A_part_that_fails_is_started_again_and_the_others_go_on()
    {
        using var stop = new CancellationTokenSource();
        var supervisor = new Supervisor(TimeProvider.System, NullLogger<Supervisor>.Instance);
        var starts = 0;
        var othersStarts = 0;
        var secondStart = new TaskCompletionSource();
        supervisor.Add("failing", async cancellationToken =>
        {
            if (++starts == 1) throw new InvalidOperationException("the first start fails");
            secondStart.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        });
        supervisor.Add("steady", async cancellationToken =>
        {
            othersStarts++;
            await Task.Delay(Timeout.Infinite, cancellationToken);
        });

        var running = supervisor.RunAsync(stop.Token);
        await secondStart.Task.WaitAsync(TimeSpan.FromSeconds(10));
        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal((2, 1), (starts, othersStarts));
    }
}
