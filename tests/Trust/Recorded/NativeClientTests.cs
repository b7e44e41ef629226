using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Xunit;

namespace Gatehouse.Tests.Trust.Recorded;

/// <summary>
/// The recorded scenarios once more, as the public suite plays them: the native conformance client as a process of its own, over HTTP on
/// 127.0.0.1, with its clock set by faketime.
/// </summary>
[Trait("Needs", "native")]
public sealed class NativeClientTests
{
    public static TheoryData<string> All => RecordedScenarioTests.All;

    [Theory, MemberData(nameof(All))]
    public async Task The_native_client_does_what_was_recorded(string scenario)
    {
        using var folder = new TemporaryFolder();
        var recorded = RecordedScenario.Load(scenario);
        using var server = new ScenarioServer();
        Directory.CreateDirectory(folder.Below("metadata"));
        Directory.CreateDirectory(folder.Below("targets"));

        for (var i = 0; i < recorded.Steps.Count; i++)
        {
            var step = recorded.Steps[i];
            server.Serves = step.Serves.ToDictionary(s => s.Key, s => recorded.Blobs[s.Value]);
            var (exit, complaint) = await RunAsync(step, recorded, folder, server.Address);

            var where = $"{scenario}, step {i} ({step.Op}): {complaint}";
            Assert.True(step.Exit == exit, $"exit {exit} in {where}");
            Assert.True(SameFiles(step.Trusted, folder.Below("metadata")), "trusted files in " + where);
            Assert.True(step.Downloaded.Order().SequenceEqual(Directory.EnumerateFiles(folder.Below("targets"), "*", SearchOption.AllDirectories).Select(Hash).Order()), "artifacts in " + where);
        }
    }

    [Fact]
    public async Task It_starts_in_well_under_200_ms()
    {
        using var folder = new TemporaryFolder();
        var root = folder.Below("given.json");
        await File.WriteAllTextAsync(root, "{}");
        var fastest = TimeSpan.MaxValue;
        for (var i = 0; i < 5; i++)
        {
            var watch = Stopwatch.StartNew();
            await StartAsync([], Client, ["init", root, "--metadata-dir", folder.Below("metadata")]);
            if (watch.Elapsed < fastest) fastest = watch.Elapsed;
        }

        Assert.True(fastest < TimeSpan.FromMilliseconds(200), $"fastest of five: {fastest.TotalMilliseconds} ms");
    }

    private static string Client
    {
        get
        {
            for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            {
                if (Path.Combine(folder, "tests", "Trust", "conformance", "client") is var client && File.Exists(client)) return client;
            }

            Assert.Fail("tests/Trust/conformance/client is not there: run tests/Trust/conformance/build (./test does).");
            return "";
        }
    }

    private static Task<(int Exit, string Complaint)> RunAsync(RecordedStep step, RecordedScenario recorded, TemporaryFolder folder, string address)
    {
        if (step.Op == "init")
        {
            File.WriteAllBytes(folder.Below("initial_root.json"), recorded.Blobs[step.Root!]);
            return StartAsync([], Client, ["--metadata-dir", folder.Below("metadata"), "init", folder.Below("initial_root.json")]);
        }

        List<string> args = ["--metadata-url", address + "metadata/", "--metadata-dir", folder.Below("metadata")];
        foreach (var name in step.Targets) args.AddRange(["--target-name", name]);
        if (step.Op == "download") args.AddRange(["--target-dir", folder.Below("targets"), "--target-base-url", address + "targets/"]);
        args.Add(step.Op);

        var now = step.Now.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        return StartAsync(new() { ["TZ"] = "UTC", ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1" }, "faketime", ["-f", "@" + now, Client, .. args]);
    }

    private static async Task<(int Exit, string Complaint)> StartAsync(Dictionary<string, string> environment, string program, IEnumerable<string> args)
    {
        var start = new ProcessStartInfo(program, args) { RedirectStandardError = true, WorkingDirectory = "/" };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var complaint = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, complaint);
    }

    private static bool SameFiles(IReadOnlyDictionary<string, string> expected, string folder)
    {
        var actual = Directory.EnumerateFiles(folder, "*.json").ToDictionary(f => Path.GetFileName(f)!, Hash);
        return expected.Count == actual.Count && expected.All(e => actual.GetValueOrDefault(e.Key) == e.Value);
    }

    private static string Hash(string file) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));

    /// <summary>Serves one step's files on 127.0.0.1. The path is taken as it was sent: an encoded slash stays encoded.</summary>
    private sealed class ScenarioServer : IDisposable
    {
        private readonly HttpListener _listener = new();

        public ScenarioServer()
        {
            using (var probe = new TcpListener(IPAddress.Loopback, 0))
            {
                probe.Start();
                Address = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
            }

            _listener.Prefixes.Add(Address);
            _listener.Start();
            _ = ServeAsync();
        }

        public string Address { get; }

        public Dictionary<string, byte[]> Serves { get; set; } = [];

        public void Dispose() => _listener.Close();

        private async Task ServeAsync()
        {
            try
            {
                while (_listener.IsListening)
                {
                    var context = await _listener.GetContextAsync();
                    if (Serves.TryGetValue(context.Request.RawUrl!.TrimStart('/'), out var bytes)) await context.Response.OutputStream.WriteAsync(bytes);
                    else context.Response.StatusCode = 404;
                    context.Response.Close();
                }
            }
            catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException)
            {
            }
        }
    }
}
