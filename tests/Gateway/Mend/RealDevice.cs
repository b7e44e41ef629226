using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Gatehouse.Home;
using Gatehouse.Mend;
using Gatehouse.Mend.Credentials;
using Gatehouse.Mend.Drivers;
using Gatehouse.Packs;
using Gatehouse.Tests.Gateway.Architecture;
using Gatehouse.Tests.Gateway.Mend.Simulation;
using Gatehouse.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

/// <summary>One of the lab's devices in a network namespace of its own, and a gateway's Mend with the real clock and real sockets before it.</summary>
internal sealed class RealDevice : IAsyncDisposable
{
    public static readonly MacAddress Mac = MacAddress.Parse("02:00:00:00:00:09");
    private static int _count;

    private readonly string _namespace;
    private readonly string _pack;
    private readonly SignedRepository _repository = new();
    private readonly FirmwareRepositories _repositories;
    private readonly ITestOutputHelper _output;
    private Process? _program;

    /// <param name="pack">The pack's <c>update</c> and what follows, as JSON members.</param>
    public RealDevice(string pack, ITestOutputHelper output)
    {
        Lab.RequireNamespaces();
        var number = Interlocked.Increment(ref _count);
        (_namespace, _output) = ($"mend-{number}", output);
        (Gateway, Address) = (IPAddress.Parse($"10.66.{number}.1"), IPAddress.Parse($"10.66.{number}.2"));
        var packs = Directory.CreateDirectory(Path.Combine(Folder, "packs/anvil"));
        _pack = Path.Combine(packs.FullName, "real.json");
        File.WriteAllText(_pack, $$"""{"pack":"anvil/real","vendor":"Anvil","model":"anvil-real","kind":"thing","recognise":[], {{pack}} }""");
        Packs = PackLibrary.Load([packs.Parent!.FullName]);
        Assert.Empty(Packs.Faults);
        File.WriteAllBytes(Path.Combine(Folder, "root.json"), _repository.Root);
        var map = new TrustMap { Repositories = [new("anvil", new Uri("http://updates.anvil.example/"), Path.Combine(Folder, "root.json"), ["anvil-real"])] };
        Record = HomeRecord.Open(Path.Combine(Folder, "record.db"), TimeProvider.System);
        _repositories = new FirmwareRepositories(map, Path.Combine(Folder, "trust"), _ => _repository, TimeProvider.System);
        Finder = new OfferFinder(Record, Packs, map, _repositories, DriverTable.All, new LanDeviceNetwork(), NullLogger<OfferFinder>.Instance);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("gatehouse-real-").FullName;
    public IPAddress Gateway { get; }
    public IPAddress Address { get; }
    public PackLibrary Packs { get; }
    public HomeRecord Record { get; }
    public OfferFinder Finder { get; }
    public string State => Path.Combine(Folder, "device");
    public string Keys => Path.Combine(Folder, "keys");

    /// <summary>Puts a cable to a new namespace and plays the device there.</summary>
    public async Task StartAsync(string kind, params string[] arguments)
    {
        await RunAsync("ip", "netns", "add", _namespace);
        await RunAsync("ip", "link", "add", _namespace, "type", "veth", "peer", "name", "eth0", "netns", _namespace);
        await RunAsync("ip", "address", "add", $"{Gateway}/24", "dev", _namespace);
        await RunAsync("ip", "link", "set", _namespace, "up");
        await RunAsync("ip", "-n", _namespace, "link", "set", "lo", "up");
        await RunAsync("ip", "-n", _namespace, "link", "set", "eth0", "address", Mac.ToString(), "up");
        if (kind == "plug") await RunAsync("ip", "-n", _namespace, "address", "add", $"{Address}/24", "dev", "eth0");
        _program = Start(LabProgram, ["device", kind, "--namespace", _namespace, "--state", State, .. arguments]);
        await UntilAsync("the device answers", async () => await AcceptsAsync(80));
        await Record.ApplyAsync(new ThingSeen(Mac, Address, kind) { At = DateTimeOffset.UtcNow }, CancellationToken.None);
        await Record.ApplyAsync(new ThingIdentified(Mac, new Identity { Pack = "anvil/real" }, DeviceClass.Thing) { At = DateTimeOffset.UtcNow }, CancellationToken.None);
    }

    /// <summary>Another device is at its address from now on, as far as the LAN can tell.</summary>
    public Task ImpersonateAsync() => RunAsync("ip", "-n", _namespace, "link", "set", "eth0", "address", "02:00:00:00:66:66");

    /// <summary>Has the lab build a firmware image, and publishes it.</summary>
    public async Task PublishAsync(string version, params string[] build)
    {
        var file = (await RunAsync(LabProgram, ["firmware", .. build])).Trim().Split('\n')[^1];
        Publish(version, await File.ReadAllBytesAsync(file));
    }

    public void Publish(string version, byte[] image) => _repository.Add($"real-{version}", image, "anvil-real", version);

    /// <summary>Offers, consents and runs to the end, with <paramref name="during"/> beside it.</summary>
    public async Task<UpdateJob> UpdateAsync(Func<UpdateJob, Task>? during = null)
    {
        await Finder.PollAsync(CancellationToken.None);
        var offer = Record.Current.OfferFor(Mac);
        Assert.NotNull(offer);
        var changes = Record.Subscribe(1000);
        await Record.ApplyAsync(new UpdateBegun(offer.Id, "?", "owner") { At = DateTimeOffset.UtcNow }, CancellationToken.None);
        var begun = Record.Current.UpdateUnderWay(Mac)!;
        var credentials = new CredentialKeeper(Record, RotationMethods.All, NullLogger<CredentialKeeper>.Instance);
        var engine = new UpdateEngine(
            Record, Packs, _repositories, new ImageShelf(Path.Combine(Folder, "images")), DriverTable.All, new LanDeviceNetwork(), credentials, NullLogger<UpdateEngine>.Instance);
        var running = engine.RunAsync(begun.Id, CancellationToken.None);
        if (during is not null) await during(begun);
        await running;
        while (changes.TryRead(out var recorded)) _output.WriteLine($"{recorded.Entry.At:mm:ss.fff} {recorded.Entry.Sentence}");
        return Record.Current.Updates[begun.Id];
    }

    /// <summary>What the device's own page says it runs, asked without Gatehouse's code.</summary>
    public async Task<string> AskAsync(string path)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        return (await http.GetStringAsync(new Uri($"http://{Address}{path}"))).Trim();
    }

    public void CutPower() => Process.GetProcessById(int.Parse(File.ReadAllText(Path.Combine(State, "pid")), System.Globalization.CultureInfo.InvariantCulture)).Kill();

    public async Task<bool> AcceptsAsync(int port)
    {
        using var client = new TcpClient();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            await client.ConnectAsync(Address, port, limit.Token);
            return true;
        }
        catch (Exception refused) when (refused is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    public static async Task UntilAsync(string what, Func<Task<bool>> isSo)
    {
        for (var start = Stopwatch.StartNew(); start.Elapsed < TimeSpan.FromSeconds(60); await Task.Delay(200))
        {
            if (await isSo()) return;
        }

        Assert.Fail($"a minute has passed, and it is not so: {what}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_program is { HasExited: false } program)
        {
            await RunAsync("kill", "-TERM", program.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
            await program.WaitForExitAsync();
        }

        _program?.Dispose();
        await RunAsync("ip", "netns", "delete", _namespace);
        await Record.DisposeAsync();
        _repository.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static string LabProgram => Path.Combine(Sources.Root, "lab/bin/Debug/net10.0/gatehouse-lab");

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        var output = await process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {output}{error}");
        return output;
    }

    private static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
}
