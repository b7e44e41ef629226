using System.Text.Json;
using Gatehouse.Home;
using Gatehouse.Mend;
using Gatehouse.Mend.Credentials;
using Gatehouse.Mend.Credentials.HttpCgi;
using Gatehouse.Mend.Credentials.TelnetPasswd;
using Gatehouse.Mend.Drivers;
using Gatehouse.Packs;
using Gatehouse.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gatehouse.Tests.Gateway.Mend.Simulation;

/// <summary>One Thing, its maker's repository and a gateway whose record and shelf are real; the gateway can be killed and started again.</summary>
public sealed class MendWorld : IAsyncDisposable
{
    public static readonly MacAddress Mac = MacAddress.Parse("02:00:00:00:00:07");
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-mend-").FullName;

    public MendWorld(Func<JumpingClock, SimulatedThing> thing, bool hasKnownPassword = false, string healthPath = "/")
    {
        Clock = new JumpingClock();
        Thing = thing(Clock);
        if (hasKnownPassword) Thing.Telnet = new SimulatedTelnet("xc3511");
        var packs = Directory.CreateDirectory(Path.Combine(_folder, "packs/anvil"));
        File.WriteAllText(Path.Combine(packs.FullName, "model.json"), Pack(Thing.DriverName, hasKnownPassword, healthPath));
        Packs = PackLibrary.Load([packs.Parent!.FullName]);
        if (!Packs.Faults.IsEmpty) throw new InvalidOperationException(string.Join("\n", Packs.Faults));
        File.WriteAllBytes(Path.Combine(_folder, "root.json"), Repository.Root);
        Map = new TrustMap { Repositories = [new("anvil", new Uri("http://updates.anvil.example/"), Path.Combine(_folder, "root.json"), ["anvil-model"])] };
        Repository.Add("anvil-1.0.0", Thing.Image("1.0.0"), "anvil-model", "1.0.0");
        Start();
    }

    public PackLibrary Packs { get; }
    public TrustMap Map { get; }
    public JumpingClock Clock { get; }
    public SimulatedThing Thing { get; }
    public SignedRepository Repository { get; } = new();
    public HomeRecord Record { get; private set; } = null!;
    public UpdateEngine Engine { get; private set; } = null!;
    public OfferFinder Finder { get; private set; } = null!;
    public ImageShelf Shelf { get; private set; } = null!;
    public FirmwareRepositories Repositories { get; private set; } = null!;
    public string Images => Path.Combine(_folder, "images");

    public UpdateJob Job => Record.Current.Updates.Values.OrderBy(update => update.Id).Last();
    public Thing Known => Record.Current.Find(Mac)!;

    public static SimulatedThing Make(string kind, JumpingClock clock) => kind == "tasmota" ? new SimulatedTasmota(clock) : new SimulatedRecorder(clock);

    /// <summary>The Thing is in the record, recognised, and knows its version.</summary>
    public async Task IntroduceAsync(string? firmware = "1.0.0")
    {
        var now = Clock.Now;
        await Record.ApplyAsync(new ThingSeen(Mac, Thing.Address, "thing") { At = now }, CancellationToken.None);
        var identity = new Identity
        {
            Model = new Claim("Model", 1, []), Pack = "anvil/model", Firmware = firmware is null ? null : new Claim(firmware, 1, []),
        };
        await Record.ApplyAsync(new ThingIdentified(Mac, identity, DeviceClass.Thing) { At = now }, CancellationToken.None);
    }

    /// <summary>A release appears, is offered, and the owner says yes.</summary>
    public async Task OfferAsync(string version, bool web = true, string kind = "security")
    {
        Repository.Add($"anvil-{version}", Thing.Image(version, web), "anvil-model", version, kind);
        await Finder.PollAsync(CancellationToken.None);
    }

    public async Task ConsentAsync() => await Record.ApplyAsync(
        new UpdateBegun(Record.Current.OfferFor(Mac)!.Id, Known.Identity.Firmware?.Value ?? "?", "owner") { At = Clock.Now }, CancellationToken.None);

    public Task RunAsync() => Engine.RunAsync(Job.Id, CancellationToken.None);

    /// <summary>Introduces, offers, consents, runs to the end.</summary>
    public async Task<UpdateJob> UpdateAsync(string version, bool web = true)
    {
        if (Record.Current.Find(Mac) is null) await IntroduceAsync();
        await OfferAsync(version, web);
        await ConsentAsync();
        await RunAsync();
        return Job;
    }

    /// <summary>The gateway is stopped by force and started again from what is on disk.</summary>
    public async Task RestartAsync()
    {
        await Record.DisposeAsync();
        Clock.KillAtLook = 0;
        Start();
    }

    public async ValueTask DisposeAsync()
    {
        await Record.DisposeAsync();
        Repository.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Start()
    {
        Record = HomeRecord.Open(Path.Combine(_folder, "record.db"), Clock);
        Shelf = new ImageShelf(Images);
        Repositories = new FirmwareRepositories(Map, Path.Combine(_folder, "trust"), _ => Repository, TimeProvider.System);
        IRotationMethod[] methods = [new TelnetPasswdRotation { Quiet = TimeSpan.FromMilliseconds(5) }, new HttpCgiRotation()];
        var credentials = new CredentialKeeper(Record, methods, NullLogger<CredentialKeeper>.Instance);
        Engine = new UpdateEngine(Record, Packs, Repositories, Shelf, DriverTable.All, Thing, credentials, NullLogger<UpdateEngine>.Instance);
        Finder = new OfferFinder(Record, Packs, Map, Repositories, DriverTable.All, Thing, NullLogger<OfferFinder>.Instance);
    }

    private static string Pack(string driver, bool hasKnownPassword, string healthPath) => JsonSerializer.Serialize(new Dictionary<string, object?>
    {
        ["pack"] = "anvil/model", ["vendor"] = "Anvil", ["model"] = "anvil-model", ["kind"] = "recorder",
        ["recognise"] = Array.Empty<object>(),
        ["update"] = new Dictionary<string, object>
        {
            ["driver"] = driver, ["repository"] = "anvil",
            ["parameters"] = driver == "swupdate" ? new Dictionary<string, string> { ["port"] = "8099" } : [],
        },
        ["health"] = new[] { new Dictionary<string, object> { ["http"] = healthPath, ["port"] = 80, ["status"] = 200 } },
        ["credentials"] = hasKnownPassword
            ? new[] { new Dictionary<string, object> { ["service"] = "telnet", ["port"] = 23, ["user"] = "root", ["password"] = "xc3511" } } : [],
        ["rotate"] = new Dictionary<string, object> { ["method"] = "telnet-passwd", ["parameters"] = new Dictionary<string, string>() },
    });
}
