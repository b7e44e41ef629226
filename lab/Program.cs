using System.Runtime.InteropServices;
using Gatehouse.Lab;
using Gatehouse.Lab.Devices;
using Gatehouse.Lab.Home;
using Gatehouse.Lab.Story;

const string Usage =
    """
    gatehouse-lab: a home in network namespaces, to try Gatehouse on. Runs inside lab/enter.

      gatehouse-lab home [--seed N] [--folder DIR] [--bin DIR] [--no-watch]
          Plays the whole home until Ctrl-C. --ready FILE is made when all of it is up.
      gatehouse-lab story [--seed N] [--sabotage NAME] [--watch-off] [--until STEP] [--no-control] [--patience N] [--folder DIR] [--bin DIR] [--report FILE]
          Plays the story from break-in to cure and checks every step from outside; exit code 0 only if all of it held.
      gatehouse-lab proxy --port N --socket PATH
          Brings a Unix socket to 127.0.0.1:N (the one command that runs outside lab/enter).
      gatehouse-lab device recorder --namespace NAME --state DIR [--keys DIR] [--firmware 1.0.0] [--interface eth0] [--address A.B.C.D/24 [--router A.B.C.D]]
                                    [--request A.B.C.D] [--host NAME] [--brand WORD] [--model WORD] [--cloud NAME [--cloud-port N]]
                                    [--confirm-seconds 5] [--confirm-delay 1]
          Plays the video recorder until Ctrl-C. "kill -9 $(cat DIR/pid)" is a power cut: it boots again.
      gatehouse-lab device plug --namespace NAME --state DIR [--firmware "14.2.0(release-tasmota)"] [--address A.B.C.D] [--host NAME] [--cloud NAME]
          Plays the smart plug (Tasmota's HTTP interface) until Ctrl-C. With --address the interface must have that address already.
      gatehouse-lab firmware plug --version V --out FILE [--no-web]
          Writes a firmware image for the plug.
      gatehouse-lab firmware recorder --version V --keys DIR --out DIR [--brand WORD] [--model WORD]
          Builds a release of the recorder (V 1.0.0: the hole; 1.2.0: no web service; others: sound), signs it for swupdate, prints the file's path.
    """;

using var stop = new CancellationTokenSource();
void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

try
{
    var arguments = new Arguments(args);
    return arguments.Words switch
    {
        ["home"] => await PlayHomeAsync(arguments),
        ["story"] => await PlayStoryAsync(arguments),
        ["proxy"] => await BringConsoleAsync(arguments),
        ["device", "recorder"] => await PlayRecorderAsync(arguments),
        ["device", "plug"] => await PlayPlugAsync(arguments),
        ["firmware", "plug"] => BuildPlugFirmware(arguments),
        ["firmware", "recorder"] => await BuildRecorderFirmwareAsync(arguments),
        _ => Help(),
    };
}
catch (LabException problem)
{
    Console.Error.WriteLine($"gatehouse-lab: {problem.Message}");
    return 1;
}
catch (TimeoutException)
{
    Console.Error.WriteLine("gatehouse-lab: the gateway or a device did not get ready in time; the logs are in the home's folder.");
    return 1;
}
catch (OperationCanceledException)
{
    return 130;
}

int Help()
{
    Console.WriteLine(Usage);
    return args is ["--help"] or ["help"] ? 0 : 2;
}

static RecorderModel Model(Arguments arguments) => new(
    arguments.Option("--brand") ?? RecorderModel.Default.Brand, arguments.Option("--model") ?? RecorderModel.Default.Model, arguments.Option("--hardware") ?? RecorderModel.Default.Hardware);

async Task<int> PlayRecorderAsync(Arguments arguments)
{
    var state = Path.GetFullPath(arguments.Required("--state"));
    var settings = new RecorderSettings
    {
        Namespace = arguments.Required("--namespace"), State = state, Keys = Path.GetFullPath(arguments.Option("--keys") ?? Path.Combine(state, "keys")),
        Interface = arguments.Option("--interface") ?? "eth0", Model = Model(arguments), Firmware = arguments.Option("--firmware") ?? "1.0.0",
        Address = arguments.Option("--address"), Router = arguments.Option("--router"), Request = arguments.Option("--request"),
        Host = arguments.Option("--host") ?? "dvr", Cloud = arguments.Option("--cloud"), CloudPort = arguments.Number("--cloud-port", 443),
        ConfirmSeconds = arguments.Number("--confirm-seconds", 5), ConfirmDelay = arguments.Number("--confirm-delay", 1),
    };
    arguments.RefuseUnknown();
    await using var recorder = new Recorder(settings);
    await recorder.StartAsync(stop.Token);
    Console.WriteLine($"recorder: {settings.Model.Brand} {settings.Model.Model}, firmware {settings.Firmware} in namespace {settings.Namespace}; its serial line is {recorder.LogFile}");
    await Task.Delay(Timeout.Infinite, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
    return 0;
}

async Task<int> BuildRecorderFirmwareAsync(Arguments arguments)
{
    var keys = Path.GetFullPath(arguments.Required("--keys"));
    var release = RecorderRelease.Of(arguments.Required("--version"));
    var folder = Path.GetFullPath(arguments.Required("--out"));
    var model = Model(arguments);
    arguments.RefuseUnknown();
    await RecorderFirmware.MakeKeysAsync(keys, stop.Token);
    Console.WriteLine(await RecorderFirmware.BuildImageAsync(folder, model, release, keys, stop.Token));
    return 0;
}

async Task<int> PlayPlugAsync(Arguments arguments)
{
    var settings = new PlugSettings
    {
        Namespace = arguments.Required("--namespace"), State = Path.GetFullPath(arguments.Required("--state")), Interface = arguments.Option("--interface") ?? "eth0",
        Firmware = arguments.Option("--firmware") ?? "14.2.0(release-tasmota)", Address = arguments.Option("--address") is { } address ? System.Net.IPAddress.Parse(address) : null,
        Host = arguments.Option("--host") ?? "tasmota-A1B2C3-5059", Cloud = arguments.Option("--cloud"),
    };
    arguments.RefuseUnknown();
    await using var plug = new Plug(settings);
    plug.Start();
    await plug.BootedAsync(TimeSpan.FromMinutes(1), stop.Token);
    Console.WriteLine($"plug: firmware {settings.Firmware} at {plug.Address} in namespace {settings.Namespace}");
    await Task.Delay(Timeout.Infinite, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
    return 0;
}

int BuildPlugFirmware(Arguments arguments)
{
    var image = PlugFirmware.Build(arguments.Required("--version"), hasWebService: !arguments.Has("--no-web"));
    var file = arguments.Required("--out");
    arguments.RefuseUnknown();
    File.WriteAllBytes(file, image);
    Console.WriteLine(Path.GetFullPath(file));
    return 0;
}

async Task<int> PlayHomeAsync(Arguments arguments)
{
    var seed = HomeSeed.Of(arguments.Number("--seed", 1));
    var folder = Path.GetFullPath(arguments.Option("--folder") ?? Directory.CreateTempSubdirectory("gatehouse-home-").FullName);
    var programs = Programs.Find(arguments.Option("--bin"));
    var watch = !arguments.Has("--no-watch");
    var ready = arguments.Option("--ready");
    arguments.RefuseUnknown();
    Directory.CreateDirectory(folder);
    await using var home = new LabHome(seed, programs, folder);
    Console.WriteLine($"Building the home of seed {seed.Number} in {folder} …");
    await home.BuildAsync(stop.Token);
    await home.Gateway.StartAsync(webhook: null, watch, stop.Token);
    Console.WriteLine("The gateway is up. Switching the devices on …");
    await home.StartDevicesAsync(stop.Token);
    foreach (var device in LabHome.Devices) Console.WriteLine($"  {device,-9} {home.MacOf(device)}  {home.AddressOf(device)}");
    if (ready is not null) await File.WriteAllTextAsync(ready, "ready\n", stop.Token);
    await Task.Delay(Timeout.Infinite, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
    Console.WriteLine("Closing the home …");
    return 0;
}

async Task<int> BringConsoleAsync(Arguments arguments)
{
    var proxy = new Gatehouse.Lab.Net.ConsoleProxy(arguments.Number("--port", 8770), Path.GetFullPath(arguments.Required("--socket")));
    arguments.RefuseUnknown();
    await proxy.RunAsync(stop.Token);
    return 0;
}

async Task<int> PlayStoryAsync(Arguments arguments)
{
    var seed = HomeSeed.Of(arguments.Number("--seed", 1));
    var isOwnFolder = arguments.Option("--folder") is null;
    var folder = Path.GetFullPath(arguments.Option("--folder") ?? Directory.CreateTempSubdirectory("gatehouse-story-").FullName);
    var programs = Programs.Find(arguments.Option("--bin"));
    var sabotage = arguments.Option("--sabotage") is { } name
        ? Enum.TryParse<Sabotage>(name.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var known) && !int.TryParse(name, out _) ? known
            : throw new LabException($"there is no sabotage '{name}': flush-rules, serve-tampered, stop-watch, forget-password, keep-old-firmware.")
        : (Sabotage?)null;
    var options = new StoryOptions(sabotage, arguments.Has("--watch-off"), arguments.Number("--until", 7), !arguments.Has("--no-control"), arguments.Number("--patience", 1), arguments.Option("--report"));
    arguments.RefuseUnknown();
    Directory.CreateDirectory(folder);
    bool held;
    await using (var home = new LabHome(seed, programs, folder))
    {
        Console.WriteLine($"The story, seed {seed.Number}{(sabotage is null ? "" : $", sabotage {sabotage}")}. Building the home …");
        await home.BuildAsync(stop.Token);
        await using var story = new StoryRun(home, options, Console.Out);
        held = await story.PlayAsync(stop.Token);
    }

    if (isOwnFolder && held) Directory.Delete(folder, recursive: true);
    else if (!held) Console.WriteLine($"Logs: {folder}");
    return held ? 0 : 1;
}
