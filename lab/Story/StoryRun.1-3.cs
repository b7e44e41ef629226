using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Gatehouse.Lab.Devices;
using Gatehouse.Lab.Home;
using Gatehouse.Lab.Net;

namespace Gatehouse.Lab.Story;

/// <summary>Steps 1 to 3: an evening without trouble.</summary>
internal sealed partial class StoryRun
{
    private static readonly Uri s_hook = new($"http://{HomeSeed.EverydayAddress}:8080/notice");

    /// <summary>Notices that reached the owner's webhook, as JSON.</summary>
    private readonly ConcurrentQueue<string> _notices = new();

    private async Task ComeUpAsync(CancellationToken cancellationToken)
    {
        await using var frames = new FirstFrames();
        await HoldsAsync("the gateway starts and its rules are in the kernel", async () =>
        {
            await home.Gateway.StartAsync(s_hook, watch: !IsWatchOff, cancellationToken);
            var firstRule = await home.Gateway.FirstRule.WaitAsync(TimeSpan.FromSeconds(10), cancellationToken);
            Measure("start to the first rule in the kernel, ms", Math.Round(firstRule.TotalMilliseconds));
            return $"first rule after {firstRule.TotalMilliseconds:0} ms";
        });
        await HoldsAsync("each device is in the record within 100 ms of its first frame", async () =>
        {
            var recorded = new Dictionary<string, double>();
            var starting = home.StartDevicesAsync(cancellationToken);
            await EventuallyAsync(S(30), async () =>
            {
                var macs = (await ThingsAsync(cancellationToken)).EnumerateArray().Select(thing => thing.GetProperty("mac").GetString()!).ToHashSet();
                foreach (var device in LabHome.Devices)
                {
                    if (macs.Contains(home.MacOf(device)) && frames.HeardAt(home.MacOf(device)) is { } heard)
                        recorded.TryAdd(device, Stopwatch.GetElapsedTime(heard).TotalMilliseconds);
                }

                return (recorded.Count == LabHome.Devices.Length, string.Join(", ", recorded.Keys));
            }, cancellationToken, everyMilliseconds: 5);
            var slowest = recorded.MaxBy(pair => pair.Value);
            Measure("first frame to fenced, ms (slowest device)", Math.Round(slowest.Value));
            Require(slowest.Value <= Limit(0.1).TotalMilliseconds, $"the {slowest.Key} took {slowest.Value:0} ms");
            await starting;
            return $"the slowest was the {slowest.Key}: {slowest.Value:0} ms";
        });
        await HoldsAsync("each has an address from the gateway", () =>
        {
            foreach (var device in LabHome.Devices) Require(home.AddressOf(device) is not null, $"the {device} has none");
            Require(Equals(home.AddressOf("recorder"), home.Seed.RecorderAddress), $"the recorder has {home.AddressOf("recorder")} instead of the one it asked for");
            return Task.FromResult(string.Join(", ", LabHome.Devices.Select(device => $"{device} {home.AddressOf(device)}")));
        });
        if (options.Sabotage == Sabotage.FlushRules) await FlushRulesAsync(cancellationToken);

        await HoldsAsync("a Thing reaches nothing outside", async () =>
        {
            (IPAddress Address, int Port)[] targets = [(HomeSeed.VictimAddress, 80), (HomeSeed.VictimAddress, 6667), (HomeSeed.PlugCloudAddress, 8883), (HomeSeed.MasterAddress, 6667)];
            await NoneReachesAsync(from device in (string[])["plug", "printer", "lamp", "copycat"] from target in targets select (device, target.Address, target.Port), cancellationToken);
            return "connections tried from each";
        });
        await HoldsAsync("Things do not reach each other on the same LAN", async () =>
        {
            (string From, string To, int Port)[] tries = [("plug", "recorder", 80), ("recorder", "plug", 80), ("lamp", "printer", Printer.Port), ("printer", "lamp", Lamp.Port), ("copycat", "recorder", 23)];
            await NoneReachesAsync(tries.Select(one => (one.From, home.AddressOf(one.To)!, one.Port)), cancellationToken);
            return "";
        });
        await HoldsAsync("a name that is not allowed does not exist, and the answer says why", async () =>
        {
            var reply = await _sockets.AskAsync("plug", home.Seed.PlugCloud, cancellationToken);
            Require(reply is not null, "the gateway gave no answer");
            Require(reply!.ResponseCode == DnsReply.NxDomain, $"the answer's code was {reply.ResponseCode}");
            Require(reply.ExtendedError is not null, "the answer has no extended error");
            return $"NXDOMAIN, extended error {reply.ExtendedError} '{reply.ExtendedText}'";
        });
        await HoldsAsync("the gateway tells the time, whoever is asked", async () =>
        {
            foreach (var server in (IPAddress[])[home.Seed.LanAddress, HomeSeed.EverydayAddress])
            {
                var time = await Sockets.TimeAsync("lamp", server, cancellationToken);
                Require(time is { } told && (told - DateTimeOffset.UtcNow).Duration() < S(3), $"{server} said {time?.ToString() ?? "nothing"}");
            }

            return "";
        });
    }

    // All at once, each with its own patience: what is dropped takes as long as one waits.
    private async Task NoneReachesAsync(IEnumerable<(string From, IPAddress Address, int Port)> tries, CancellationToken cancellationToken)
    {
        if (options.Sabotage == Sabotage.FlushRules) await FlushRulesAsync(cancellationToken);
        var reached = await Task.WhenAll(tries.Select(async one => (one, Reached: await _sockets.ReachesAsync(one.From, one.Address, one.Port, cancellationToken))));
        foreach (var ((from, address, port), isReached) in reached) Require(!isReached, $"the {from} reached {address}:{port}");
    }

    private static Task FlushRulesAsync(CancellationToken cancellationToken) =>
        Shell.RunAsync("ip", ["netns", "exec", Topology.Gateway, "nft", "delete", "table", "inet", "gatehouse"], cancellationToken)
            .ContinueWith(_ => { }, cancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);

    private async Task RecogniseAsync(CancellationToken cancellationToken)
    {
        await HoldsAsync("the laptop is recognised as a computer within a minute", async () =>
        {
            var took = await EventuallyAsync(Limit(60), async () => (Text(await SummaryAsync("laptop", cancellationToken), "class") == "Computer", Text(await SummaryAsync("laptop", cancellationToken), "class")), cancellationToken);
            Measure("laptop let out, s", Math.Round(took.TotalSeconds, 1));
            return Evidence(await ShowAsync("laptop", cancellationToken));
        });
        await HoldsAsync("the laptop reaches the Internet", async () =>
        {
            await EventuallyAsync(S(10), async () =>
            {
                var page = await home.Laptop.RunAsync(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "3", $"http://{home.Seed.Victim}/"], S(8), cancellationToken);
                return (page.Output == "200", $"curl said {page.Said}");
            }, cancellationToken);
            return $"curl http://{home.Seed.Victim}/: 200";
        });
        await HoldsAsync("recorder, plug, printer and lamp are identified, with evidence", async () =>
        {
            (string Device, string Property, string Expected)[] known =
                [("recorder", "model", home.Seed.RecorderModel), ("recorder", "firmware", "1.0.0"), ("plug", "model", "tasmota"), ("plug", "firmware", "14.2.0"), ("printer", "kind", "printer"), ("lamp", "kind", "lamp")];
            foreach (var (device, property, expected) in known)
            {
                await EventuallyAsync(S(60), async () =>
                {
                    var seen = Text(await SummaryAsync(device, cancellationToken), property);
                    return (string.Equals(seen, expected, StringComparison.OrdinalIgnoreCase), $"the {device}'s {property} is '{seen}' instead of '{expected}'");
                }, cancellationToken);
            }

            foreach (var device in (string[])["recorder", "plug", "printer", "lamp"])
            {
                var summary = await SummaryAsync(device, cancellationToken);
                Require(Text(summary, "class") == "Thing", $"the {device} is taken for a {Text(summary, "class")}");
            }

            var identity = (await ShowAsync("recorder", cancellationToken)).GetProperty("thing").GetProperty("identity");
            Require(identity.GetProperty("model").GetProperty("evidence").GetArrayLength() > 0, "the recorder's model has no evidence");
            return string.Join(", ", identity.GetProperty("model").GetProperty("evidence").EnumerateArray().Select(item => item.GetProperty("source").GetString()).Distinct());
        });
        await HoldsAsync("a Thing that copies the laptop's DHCP is not let out", async () =>
        {
            var summary = await SummaryAsync("copycat", cancellationToken);
            Require(Text(summary, "class") == "Thing", $"it is taken for a {Text(summary, "class")}");
            Require(!await _sockets.ReachesAsync("copycat", HomeSeed.VictimAddress, 80, cancellationToken), "it reached the Internet");
            return $"it calls itself {home.Seed.LaptopName}, too";
        });
    }

    private static string Evidence(JsonElement shown) => string.Join("; ", shown.GetProperty("thing").GetProperty("identity").TryGetProperty("classEvidence", out var evidence)
        ? evidence.EnumerateArray().Select(item => $"{item.GetProperty("source").GetString()}: {item.GetProperty("text").GetString()}").Take(4) : []);

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        long question = 0;
        await HoldsAsync("the plug's cloud is one question, in plain words, pushed to the owner", async () =>
        {
            await EventuallyAsync(S(20), async () =>
            {
                var questions = (await home.Gateway.GetAsync("v1/questions", cancellationToken)).EnumerateArray()
                    .Where(item => item.GetProperty("thing").GetString() == home.Seed.PlugMac && item.GetProperty("subject").GetString() == home.Seed.PlugCloud).ToList();
                if (questions.Count == 1) question = questions[0].GetProperty("id").GetInt64();
                return (questions.Count == 1, $"{questions.Count} questions");
            }, cancellationToken);
            await EventuallyAsync(S(10), () => Task.FromResult((_notices.Any(notice => notice.Contains(home.Seed.PlugMac, StringComparison.OrdinalIgnoreCase) && notice.Contains("question", StringComparison.Ordinal)), $"{_notices.Count} notices")), cancellationToken);
            var asked = (await home.Gateway.GetAsync("v1/questions", cancellationToken)).EnumerateArray().First(item => item.GetProperty("id").GetInt64() == question);
            return asked.GetProperty("text").GetString()!;
        });
        await HoldsAsync("OK opens exactly that", async () =>
        {
            await OwnerAsync(["allow", $"{question}"], cancellationToken);
            var took = await EventuallyAsync(S(20), () => Task.FromResult((home.Plug.IsCloudConnected, "the plug has no line to its cloud")), cancellationToken);
            Measure("owner's OK to the plug's line open, s", Math.Round(took.TotalSeconds, 1));
            return $"the plug's line is open after {took.TotalSeconds:0.0} s";
        });
        await HoldsAsync("everything else stays shut and is counted", async () =>
        {
            var before = (await ShowAsync("plug", cancellationToken)).GetProperty("packetsBlocked").GetInt64();
            await NoneReachesAsync([("plug", HomeSeed.PlugCloudAddress, 22), ("plug", HomeSeed.VictimAddress, 443), ("plug", HomeSeed.RecorderCloudAddress, 443),
                ("plug", HomeSeed.MasterAddress, 6667), ("lamp", HomeSeed.PlugCloudAddress, 8883)], cancellationToken);
            await EventuallyAsync(S(10), async () =>
            {
                var after = (await ShowAsync("plug", cancellationToken)).GetProperty("packetsBlocked").GetInt64();
                return (after >= before + 4, $"counted {after - before}");
            }, cancellationToken);
            return "";
        });
        await HoldsAsync("the printer prints from the laptop", async () =>
        {
            await PrintAsync(cancellationToken);
            return $"{home.Printer.Printed} printed";
        });
        await HoldsAsync("the recorder may reach its own cloud, as its owner wants", async () =>
        {
            await EventuallyAsync(S(20), async () => ((await home.Gateway.GetAsync("v1/questions", cancellationToken)).EnumerateArray().Any(item => item.GetProperty("subject").GetString() == home.Seed.RecorderCloud), "no question"), cancellationToken);
            await OwnerAsync(["allow", home.Seed.RecorderMac, home.Seed.RecorderCloud, "--port", "tcp/443"], cancellationToken);
            await EventuallyAsync(S(20), async () => (await _sockets.ReachesAsync("recorder", HomeSeed.RecorderCloudAddress, 443, cancellationToken), "not reached"), cancellationToken);
            return "";
        });
    }

    private async Task PrintAsync(CancellationToken cancellationToken)
    {
        var before = home.Printer.Printed;
        var page = Path.Combine(home.Folder, "letter.txt");
        await File.WriteAllTextAsync(page, "Dear neighbour,\n", Encoding.ASCII, cancellationToken);
        var printed = await home.Laptop.RunAsync(["ipptool", "-T", "10", "-tf", page, $"ipp://{home.Printer.Lease!.Address}:{Printer.Port}/ipp/print", "print-job.test"], S(20), cancellationToken);
        Require(printed.ExitCode == 0, $"ipptool said: {printed.Said}");
        await EventuallyAsync(S(10), () => Task.FromResult((home.Printer.Printed > before, "nothing in the printer's tray")), cancellationToken);
    }
}
