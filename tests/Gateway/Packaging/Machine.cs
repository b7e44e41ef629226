using System.Diagnostics;
using Xunit;

namespace Gatehouse.Tests.Gateway.Packaging;

/// <summary>
/// A throw-away copy of this machine: its file system under an overlay whose changes are in memory, in a network of its own with a bridge
/// and a way out. What is installed there never reaches the machine. Only inside <c>lab/enter</c>, as root.
/// </summary>
internal sealed class Machine : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gatehouse-machine-").FullName;
    private readonly string _namespace = $"machine-{Environment.ProcessId}";

    public Machine()
    {
        Lab.RequireNamespaces();
        Assert.SkipUnless(File.ReadAllText("/proc/self/uid_map").Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["0", "0", ..],
            "An overlay over this machine's files needs the machine's root: an ordinary user's namespace may not write to them, not even to a copy.");
        Run("mount", "-t", "tmpfs", "tmpfs", _folder);
        foreach (var name in new[] { "upper", "work", "root" }) Directory.CreateDirectory(Path.Combine(_folder, name));
        Run("mount", "-t", "overlay", "overlay", "-o", $"lowerdir=/,upperdir={Upper},workdir={_folder}/work", Root);

        Run("ip", "netns", "add", _namespace);
        InNetwork("ip", "link", "set", "lo", "up");
        InNetwork("ip", "link", "add", "br0", "type", "bridge");
        InNetwork("ip", "link", "add", "wan0", "type", "veth", "peer", "name", "internet0");
        foreach (var link in new[] { "br0", "wan0", "internet0" }) InNetwork("ip", "link", "set", link, "up");
        InNetwork("ip", "address", "add", "203.0.113.2/24", "dev", "wan0");

        Run("mount", "-t", "proc", "proc", Root + "/proc");
        InNetwork("mount", "-t", "sysfs", "sysfs", Root + "/sys");
        Run("mount", "-t", "tmpfs", "tmpfs", Root + "/run");
        Run("mount", "--rbind", "/dev", Root + "/dev");
    }

    /// <summary>Where the copy is.</summary>
    public string Root => Path.Combine(_folder, "root");

    private string Upper => Path.Combine(_folder, "upper");

    /// <summary>Runs a command in the copy, as root.</summary>
    public (int Code, string Output) In(params string[] command) => TryRun("nsenter", [$"--net=/run/netns/{_namespace}", "chroot", Root, "/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", .. command]);

    /// <summary>Starts a command in the copy and leaves it running; its output goes to <paramref name="log"/>.</summary>
    public Process Start(string log, params string[] command)
    {
        var start = new ProcessStartInfo("nsenter") { RedirectStandardInput = true };
        foreach (var word in (string[])[$"--net=/run/netns/{_namespace}", "chroot", Root, "/bin/sh", "-c", "exec \"$@\" > \"$0\" 2>&1", log, .. command]) start.ArgumentList.Add(word);
        return Process.Start(start)!;
    }

    /// <summary>What the copy has and the machine has not, and (with a minus) the reverse.</summary>
    public IEnumerable<string> Differences()
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(Upper, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, ReturnSpecialDirectories = false }).Order(StringComparer.Ordinal))
        {
            var place = path[Upper.Length..];
            var inCopy = Path.Exists(Root + place);
            if (inCopy != Path.Exists(place)) yield return (inCopy ? "" : "-") + place;
        }
    }

    public void Dispose()
    {
        TryRun("umount", ["-R", "-l", _folder]);
        TryRun("ip", ["netns", "delete", _namespace]);
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Runs a command and fails the test when it fails.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var (code, output) = TryRun(program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)} ended with {code}: {output}");
        return output;
    }

    /// <returns>The exit code, and both outputs.</returns>
    public static (int Code, string Output) TryRun(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    private void InNetwork(string program, params string[] arguments) => Run("nsenter", [$"--net=/run/netns/{_namespace}", program, .. arguments]);
}
