using System.Net;
using System.Net.Sockets;
using Gatehouse.Fence.Addresses;
using Gatehouse.Fence.Time;
using Gatehouse.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Fence;

/// <summary>Addresses by real dnsmasq to a real client, and the time.</summary>
[Collection("kernel"), Trait("Needs", "kernel")]
public sealed class DhcpServerTests
{
    [Fact]
    public async Task New_device_gets_an_address_is_in_the_record_and_may_use_it()
    {
        await using var network = await TestNetwork.StartAsync();
        using var stop = new CancellationTokenSource();
        var server = new DhcpServer(network.Record, network.Fence, network.Network, network.RunFolder, network.RunFolder, NullLogger<DhcpServer>.Instance);
        var running = server.RunAsync(stop.Token);
        var thing = await network.PlugInAsync("camera", 40);
        await Task.Delay(500);

        var script = Path.Combine(network.RunFolder, "udhcpc.sh");
        await File.WriteAllTextAsync(script, "#!/bin/sh\n[ \"$1\" = bound ] && ip addr add $ip/24 dev eth0 && ip route add default via $router && echo ntp=$ntpsrv dns=$dns domain=$domain\nexit 0\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var said = thing.Run("busybox", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "10", "-T", "1", "-x", "hostname:camera", "-O", "ntpsrv", "-s", script);

        Assert.Contains("ntp=192.168.77.1 dns=192.168.77.1 domain=home.arpa", said, StringComparison.Ordinal);
        await network.UntilAsync(() => network.Record.Current.Find(thing.Mac) is { HostName: "camera", Address: not null });
        var lease = Assert.Single(server.Current);
        Assert.Equal(thing.Mac, lease.Mac);
        Assert.Equal(lease.Address, network.Record.Current.Find(thing.Mac)!.Address);
        Assert.Equal(thing.Mac, network.Fence.Identify(lease.Address));
        Assert.Contains($"{thing.Mac} . {lease.Address}", TestNetwork.Run("nft", "list", "set", "inet", "gatehouse", "bindings"), StringComparison.Ordinal);
        thing.Run("ping", "-c", "1", "-W", "2", "192.168.77.1");

        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.Empty(System.Diagnostics.Process.GetProcessesByName("dnsmasq"));
    }

    [Fact]
    public async Task Dnsmasq_that_dies_is_started_again_and_one_left_behind_is_ended()
    {
        await using var network = await TestNetwork.StartAsync();
        using var stop = new CancellationTokenSource();
        var server = new DhcpServer(network.Record, network.Fence, network.Network, network.RunFolder, network.RunFolder, NullLogger<DhcpServer>.Instance);
        Directory.CreateDirectory(network.RunFolder);
        using var leftover = System.Diagnostics.Process.Start("dnsmasq", server.Arguments());
        await network.UntilAsync(() => File.Exists(Path.Combine(network.RunFolder, "dnsmasq.pid")));

        var running = server.RunAsync(stop.Token);
        await network.UntilAsync(() => leftover.HasExited && Only() is not null);
        var first = Only()!.Value;
        System.Diagnostics.Process.GetProcessById(first).Kill();
        await network.UntilAsync(() => Only() is { } second && second != first);

        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        static int? Only() => System.Diagnostics.Process.GetProcessesByName("dnsmasq") is [var one] ? one.Id : null;
    }

    [Fact]
    public async Task Thing_that_asks_any_time_server_gets_our_time()
    {
        await using var network = await TestNetwork.StartAsync();
        using var stop = new CancellationTokenSource();
        var running = new NtpServer(network.Network, network.Record.Time).RunAsync(stop.Token);
        var thing = await network.AddAsync("plug", 10);

        using var socket = thing.Socket(SocketType.Dgram);
        await socket.ConnectAsync(new IPEndPoint(TestNetwork.PublicDns, 123));
        var question = new byte[NtpPacket.Size];
        new NtpPacket(0, 4, NtpPacket.Client, 0, 6, 0, 0, 0, 0, 0, 42).Write(question);
        await socket.SendAsync(question);
        var answer = new byte[NtpPacket.Size];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await socket.ReceiveAsync(answer, limit.Token);

        Assert.True(NtpPacket.TryParse(answer, out var read));
        Assert.Equal(42ul, read.Origin);
        Assert.InRange(read.Transmit >> 32, (NtpPacket.Timestamp(network.Now) >> 32) - 5, (NtpPacket.Timestamp(network.Now) >> 32) + 1);
        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
