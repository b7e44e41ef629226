using System.Net.Sockets;
using System.Text;
using Gatehouse.Fence;
using Gatehouse.Home;
using Xunit;

namespace Gatehouse.Tests.Gateway.Fence;

/// <summary>The fence in the real kernel, each attack carried out by a real device against it.</summary>
[Collection("kernel")]
public sealed class FenceKernelTests
{
    private static readonly TransportPort Tcp443 = new(TransportProtocol.Tcp, 443);

    [Fact]
    public async Task Thing_reaches_nothing_and_a_computer_everything()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        var laptop = await network.AddAsync("laptop", 11, DeviceClass.Computer);
        using var server = network.Internet.TcpEcho(443);

        Assert.False(await thing.CanConnectAsync(TestNetwork.Cloud, 443));
        Assert.True(await laptop.CanConnectAsync(TestNetwork.Cloud, 443));
    }

    [Fact]
    public async Task Grant_opens_exactly_one_thing_address_and_port()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        var other = await network.AddAsync("lamp", 12);
        using var server = network.Internet.TcpEcho(443);
        using var second = network.Internet.TcpEcho(8883);
        var permission = await network.PermitAsync(thing, "cloud.example", Tcp443);

        Assert.Equal(GrantOutcome.Open, network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(1)));

        Assert.True(await thing.CanConnectAsync(TestNetwork.Cloud, 443));
        Assert.False(await thing.CanConnectAsync(TestNetwork.Cloud, 8883), "another port");
        Assert.False(await thing.CanConnectAsync(TestNetwork.Victim, 443), "another address");
        Assert.False(await other.CanConnectAsync(TestNetwork.Cloud, 443), "another Thing");
    }

    [Fact]
    public async Task Thing_does_not_reach_another_on_the_same_bridge_but_a_computer_prints()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("plug", 10);
        var printer = await network.AddAsync("printer", 12);
        var laptop = await network.AddAsync("laptop", 11, DeviceClass.Computer);
        using var ipp = printer.TcpEcho(631);
        using var ssh = laptop.TcpEcho(22);

        Assert.False(await thing.CanConnectAsync(printer.Address, 631), "Thing to Thing");
        Assert.False(await thing.CanConnectAsync(laptop.Address, 22), "Thing to computer");
        Assert.True(await laptop.CanConnectAsync(printer.Address, 631), "computer to printer");
    }

    [Fact]
    public async Task Cut_off_kills_what_is_established()
    {
        await using var network = await TestNetwork.StartAsync();
        var thing = await network.AddAsync("recorder", 10);
        using var server = network.Internet.TcpEcho(443);
        var permission = await network.PermitAsync(thing, "cloud.example", Tcp443);
        network.Fence.Grant(permission, [TestNetwork.Cloud], TimeSpan.FromMinutes(1));
        using var line = await thing.ConnectAsync(TestNetwork.Cloud, 443);
        Assert.True(await EchoesAsync(line!));

        await network.ApplyAsync(new RestraintSet(thing.Mac, Restraint.CutOff, "It floods.") { At = network.Now });

        Assert.False(await EchoesAsync(line!));
        Assert.DoesNotContain("192.168.77.10", TestNetwork.Run("conntrack", "-L"), StringComparison.Ordinal);
    }

    /// <summary>Sends a few bytes over an open connection; true where they come back within a moment.</summary>
    internal static async Task<bool> EchoesAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(700));
        try
        {
            var ball = Encoding.ASCII.GetBytes(Guid.NewGuid().ToString());
            await socket.SendAsync(ball, limit.Token);
            var back = new byte[ball.Length];
            for (var count = 0; count < back.Length;)
            {
                var more = await socket.ReceiveAsync(back.AsMemory(count), limit.Token);
                if (more == 0) return false;
                count += more;
            }

            return back.AsSpan().SequenceEqual(ball);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return false;
        }
    }
}
