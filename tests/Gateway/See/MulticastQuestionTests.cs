using System.Diagnostics;
using System.Net;
using Gatehouse.See;
using Gatehouse.Wire;
using Xunit;

namespace Gatehouse.Tests.Gateway.See;

[Collection("kernel"), Trait("Needs", "kernel")]
public sealed class MulticastQuestionTests : IDisposable
{
    public MulticastQuestionTests()
    {
        Lab.RequireNamespaces();
        Ip("link add asklan type veth peer name askdev");
        Ip("addr add 192.168.91.1/24 dev asklan");
        Ip("link set asklan up");
        Ip("link set askdev up");
    }

    [Fact]
    public async Task Both_questions_reach_the_LAN()
    {
        using var ring = PacketRing.Open("askdev", 1 << 20);
        var seen = new Questions();
        var asking = MulticastQuestion.AskAsync(IPNetwork.Parse("192.168.91.0/24"), TimeProvider.System, CancellationToken.None);
        for (var i = 0; i < 40 && !(seen.HasDnsSd && seen.HasSsdp); i++) ring.Poll(ref seen, TimeSpan.FromMilliseconds(50));
        await asking;

        Assert.True(seen.HasDnsSd);
        Assert.True(seen.HasSsdp);
    }

    [Fact]
    public async Task Without_an_address_on_the_LAN_nothing_is_asked() =>
        await MulticastQuestion.AskAsync(IPNetwork.Parse("192.168.92.0/24"), TimeProvider.System, CancellationToken.None);

    public void Dispose() => Ip("link del asklan");

    private static void Ip(string arguments)
    {
        using var ip = Process.Start(new ProcessStartInfo("ip", arguments))!;
        ip.WaitForExit();
        Assert.Equal(0, ip.ExitCode);
    }

    private struct Questions : IFrameConsumer
    {
        public bool HasDnsSd { get; private set; }
        public bool HasSsdp { get; private set; }

        public void Take(in Frame frame)
        {
            var packet = Packet.Read(frame);
            HasDnsSd |= packet.DestinationPort == MdnsMessage.Port && MdnsMessage.TryParse(packet.Payload, out var mdns) && mdns.Asked.Contains("_ipp._tcp");
            HasSsdp |= packet.DestinationPort == SsdpMessage.Port && SsdpMessage.TryParse(packet.Payload, out var ssdp) && ssdp.Kind == SsdpKind.Search;
        }
    }
}
