using System.Net;
using System.Net.Sockets;
using System.Text;
using Gatehouse.Lab;
using Gatehouse.Lab.Devices;
using Gatehouse.Lab.Home;
using Gatehouse.Lab.Net;
using Xunit;

namespace Gatehouse.Tests.Story;

/// <summary>The lab's own parts: a home that lies would prove nothing.</summary>
public sealed class LabTests
{
    [Fact]
    public void One_seed_is_one_home_and_another_seed_is_another()
    {
        Assert.Equal(HomeSeed.Of(7), HomeSeed.Of(7));

        var (one, other) = (HomeSeed.Of(7), HomeSeed.Of(8));
        Assert.NotEqual(one.LaptopMac, other.LaptopMac);
        Assert.NotEqual(one.PlugHost, other.PlugHost);
        Assert.NotEqual(one.RecorderAddress, other.RecorderAddress);
    }

    [Fact]
    public void The_plugs_image_says_its_version_and_other_bytes_are_no_image()
    {
        Assert.Equal("14.3.0(release-tasmota)", PlugFirmware.VersionOf(PlugFirmware.Build("14.3.0(release-tasmota)")));
        Assert.False(PlugFirmware.HasWebService(PlugFirmware.Build("1", hasWebService: false)));
        Assert.Null(PlugFirmware.VersionOf(new byte[4000]));
        Assert.Null(PlugFirmware.VersionOf([PlugFirmware.Magic]));
    }

    [Fact]
    public async Task The_console_is_brought_through_the_proxy_in_both_directions()
    {
        var folder = Directory.CreateTempSubdirectory("gatehouse-proxy-").FullName;
        var path = Path.Combine(folder, "console.sock");
        using var console = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        console.Bind(new UnixDomainSocketEndPoint(path));
        console.Listen();
        using var stop = new CancellationTokenSource();
        var port = FreePort();
        var proxy = new ConsoleProxy(port, path).RunAsync(stop.Token);

        using var browser = new TcpClient();
        await browser.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        using var far = await console.AcceptAsync(TestContext.Current.CancellationToken);
        await browser.GetStream().WriteAsync("ping"u8.ToArray(), TestContext.Current.CancellationToken);
        var heard = new byte[4];
        await far.ReceiveAsync(heard, TestContext.Current.CancellationToken);
        await far.SendAsync("pong"u8.ToArray(), TestContext.Current.CancellationToken);
        var answer = new byte[4];
        await browser.GetStream().ReadExactlyAsync(answer, TestContext.Current.CancellationToken);

        Assert.Equal("ping", Encoding.ASCII.GetString(heard));
        Assert.Equal("pong", Encoding.ASCII.GetString(answer));
        await stop.CancelAsync();
        await proxy;
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_port_in_use_is_said_in_one_sentence()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();

        var problem = await Assert.ThrowsAsync<LabException>(() => new ConsoleProxy(((IPEndPoint)taken.LocalEndpoint).Port, "/nowhere").RunAsync(TestContext.Current.CancellationToken));

        Assert.Contains("cannot be used", problem.Message, StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>The recorder alone in namespaces: real swupdate, two slots, the loader's counter.</summary>
[Collection("recorder"), Trait("Needs", "long")]
public sealed class RecorderTests : IAsyncLifetime
{
    private static readonly IPAddress s_address = IPAddress.Parse("10.9.9.2");
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-recorder-").FullName;
    private Recorder _recorder = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.True(Environment.GetEnvironmentVariable("GATEHOUSE_LAB") == "1", "Run this with ./test, or with lab/enter before the command.");
        await Shell.RunAsync("ip", ["netns", "add", "rec"], default);
        await Shell.RunAsync("ip", ["link", "add", "eth0", "netns", "rec", "type", "veth", "peer", "name", "rec0"], default);
        await Shell.RunAsync("ip", ["address", "add", "10.9.9.1/24", "dev", "rec0"], default);
        await Shell.RunAsync("ip", ["link", "set", "rec0", "up"], default);
        _recorder = new(new() { Namespace = "rec", State = Path.Combine(_folder, "state"), Keys = Keys, Address = "10.9.9.2/24", ConfirmSeconds = 3, ConfirmDelay = 4 });
        await _recorder.StartAsync(default);
        await RunsAsync("1.0.0", seconds: 20);
    }

    private string Keys => Path.Combine(_folder, "keys");

    [Fact]
    public async Task An_installed_release_runs_after_the_restart_and_confirms_itself()
    {
        await InstallAsync("1.1.0", Keys);

        await RunsAsync("1.1.0", seconds: 30);
        await EventuallyAsync(() => !_recorder.IsOnTrial, seconds: 30);
    }

    [Fact]
    public async Task A_release_without_its_web_service_is_given_up()
    {
        await InstallAsync("1.2.0", Keys);

        await EventuallyAsync(() => _recorder.IsOnTrial, seconds: 20);
        await EventuallyAsync(() => !_recorder.IsOnTrial, seconds: 60);
        await RunsAsync("1.0.0", seconds: 20);
    }

    [Fact]
    public async Task Power_cut_before_the_confirmation_counts_as_a_boot()
    {
        await InstallAsync("1.1.0", Keys);
        await RunsAsync("1.1.0", seconds: 30);
        Assert.True(_recorder.IsOnTrial);
        Assert.Equal(1, _recorder.TrialBootsSoFar);

        _recorder.CutPower();

        await EventuallyAsync(() => _recorder.TrialBootsSoFar == 2, seconds: 20);
        await EventuallyAsync(() => !_recorder.IsOnTrial, seconds: 30);
        await RunsAsync("1.1.0", seconds: 20);
    }

    [Fact]
    public async Task An_image_signed_with_another_key_is_not_installed()
    {
        var thief = Path.Combine(_folder, "thief");
        await RecorderFirmware.MakeKeysAsync(thief, TestContext.Current.CancellationToken);

        try
        {
            await InstallAsync("1.1.0", thief);
        }
        catch (HttpRequestException)
        {
            // swupdate answers 200, or hangs up in the middle: neither says anything about what was installed.
        }

        await Task.Delay(3000, TestContext.Current.CancellationToken);
        Assert.False(_recorder.IsOnTrial);
        await RunsAsync("1.0.0", seconds: 5);
    }

    private async Task InstallAsync(string version, string keys)
    {
        var image = await RecorderFirmware.BuildImageAsync(Path.Combine(_folder, "images"), RecorderModel.Default, RecorderRelease.Of(version), keys, TestContext.Current.CancellationToken);
        using var http = new HttpClient();
        using var form = new MultipartFormDataContent { { new ByteArrayContent(await File.ReadAllBytesAsync(image, TestContext.Current.CancellationToken)), "file", Path.GetFileName(image) } };
        using var reply = await http.PostAsync(new Uri($"http://{s_address}:8099/upload"), form, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
    }

    private static async Task RunsAsync(string version, int seconds)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(1) };
        var seen = "";
        for (var tries = 0; tries < seconds * 5 && seen != version; tries++)
        {
            await Task.Delay(200, TestContext.Current.CancellationToken);
            try
            {
                seen = (await http.GetStringAsync(new Uri($"http://{s_address}/version"), TestContext.Current.CancellationToken)).Trim();
            }
            catch (Exception problem) when (problem is HttpRequestException or TaskCanceledException)
            {
                // Between two boots nothing answers.
            }
        }

        Assert.Equal(version, seen);
    }

    private static async Task EventuallyAsync(Func<bool> holds, int seconds)
    {
        for (var tries = 0; tries < seconds * 20 && !holds(); tries++) await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.True(holds());
    }

    public async ValueTask DisposeAsync()
    {
        await _recorder.DisposeAsync();
        await Shell.RunAsync("ip", ["netns", "delete", "rec"], default);
        // The veth pair goes with its namespace in the kernel's own time; its name must be free for the next test.
        for (var tries = 0; tries < 50 && Directory.Exists("/sys/class/net/rec0"); tries++) await Task.Delay(100);
        Directory.Delete(_folder, recursive: true);
    }
}
