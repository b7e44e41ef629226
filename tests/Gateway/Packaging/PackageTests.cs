using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Packaging;

/// <summary>The Debian package: built from the native program, installed by apt into a copy of the machine, started as its unit starts it, and purged.</summary>
[Trait("Needs", "native"), Collection("kernel")]
public sealed partial class PackageTests(PackageTests.Built built) : IClassFixture<PackageTests.Built>
{
    /// <summary>The package, built once for these tests.</summary>
    public sealed class Built
    {
        public Built()
        {
            var (code, output) = Machine.TryRun(Path.Combine(Checkout.Folder, "packaging/build-deb"), []);
            Assert.True(code == 0, output);
            Path_ = Path.Combine(Checkout.Folder, output.Trim().Split('\n')[^1]);
        }

        /// <summary>Where the package is.</summary>
        public string Path_ { get; }
    }

    [Fact]
    public void The_package_holds_what_it_says_all_owned_by_root_and_nothing_setuid()
    {
        var lines = Machine.Run("dpkg-deb", "--contents", built.Path_).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var files = lines.Select(line => line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries)[5]).ToHashSet();

        Assert.All(lines, line => Assert.Matches(@"^[-dl][rwx-]{9} root/root ", line));
        foreach (var file in (string[])["./usr/bin/gatehouse -> ../lib/gatehouse/gatehouse", "./usr/lib/gatehouse/gatehouse", "./usr/lib/gatehouse/libe_sqlite3.so", "./usr/lib/gatehouse/libsodium.so",
            "./usr/share/gatehouse/packs/tasmota/tasmota.json", "./usr/share/gatehouse/gatehouse.conf", "./lib/systemd/system/gatehouse.service", "./usr/lib/sysusers.d/gatehouse.conf",
            "./usr/lib/tmpfiles.d/gatehouse.conf", "./usr/share/man/man8/gatehouse.8.gz", "./usr/share/man/man8/gatehouse-up.8.gz", "./usr/share/man/man5/gatehouse.conf.5.gz",
            "./usr/share/bash-completion/completions/gatehouse", "./usr/share/zsh/vendor-completions/_gatehouse", "./usr/share/doc/gatehouse/copyright"])
            Assert.Contains(file, files);
    }

    [Fact]
    public void Lintian_finds_nothing()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/lintian"), "Debian's lintian is not installed here.");

        var (code, output) = Machine.TryRun("lintian", ["--allow-root", "--fail-on", "error,warning", built.Path_]);

        Assert.True(code == 0, output);
    }

    [Fact]
    public void The_same_sources_and_programs_give_the_same_package()
    {
        var first = Machine.Run("sha256sum", built.Path_);

        Machine.Run(Path.Combine(Checkout.Folder, "packaging/build-deb"));

        Assert.Equal(first, Machine.Run("sha256sum", built.Path_));
    }

    [Fact]
    public async Task Apt_installs_it_the_gateway_comes_up_from_it_and_purge_leaves_nothing()
    {
        using var machine = new Machine();
        var before = machine.In("sysctl", "-a", "--pattern", "^net").Output;
        Directory.CreateDirectory(machine.Root + "/etc/gatehouse");
        await File.WriteAllTextAsync(machine.Root + "/etc/gatehouse/gatehouse.conf", "lan = br0\nwan = wan0\nupstream = 203.0.113.1\n");
        File.Copy(built.Path_, machine.Root + "/gatehouse.deb");

        Succeeds(machine.In("apt-get", "-y", "--no-install-recommends", "-o", "APT::Sandbox::User=root", "install", "/gatehouse.deb"));

        Succeeds(machine.In("getent", "passwd", "gatehouse"));
        Assert.Equal("640 root:gatehouse", Succeeds(machine.In("stat", "-c", "%a %U:%G", "/etc/gatehouse/gatehouse.conf")).Trim());
        await RunAsItsUnitSaysAsync(machine);

        Succeeds(machine.In("apt-get", "-y", "purge", "gatehouse"));
        File.Delete(machine.Root + "/gatehouse.deb");
        Assert.Equal("", machine.In("nft", "list", "tables").Output.Trim());
        Assert.NotEqual(0, machine.In("getent", "passwd", "gatehouse").Code);
        Assert.NotEqual(0, machine.In("getent", "group", "gatehouse").Code);
        Assert.False(Path.Exists(machine.Root + "/run/gatehouse"));
        Assert.DoesNotContain(machine.Differences(), place => !Ordinary().IsMatch(place));
        Assert.Equal(before, machine.In("sysctl", "-a", "--pattern", "^net").Output);
    }

    [Fact]
    public void Without_a_configuration_nothing_starts_and_the_owner_is_told_what_to_say()
    {
        using var machine = new Machine();
        File.Copy(built.Path_, machine.Root + "/gatehouse.deb");

        var output = Succeeds(machine.In("apt-get", "-y", "--no-install-recommends", "-o", "APT::Sandbox::User=root", "install", "/gatehouse.deb"));

        Assert.Contains("say in /etc/gatehouse/gatehouse.conf which interface is the LAN", output, StringComparison.Ordinal);
        Assert.Contains("#lan = IF", Succeeds(machine.In("cat", "/etc/gatehouse/gatehouse.conf")), StringComparison.Ordinal);
        Assert.Equal("", Succeeds(machine.In("groff", "-ww", "-man", "-Tutf8", "-z", "/dev/null")));
        foreach (var page in Directory.GetFiles(machine.Root + "/usr/share/man/man8", "gatehouse*.gz").Append(machine.Root + "/usr/share/man/man5/gatehouse.conf.5.gz"))
            Assert.Equal("", Machine.Run("/bin/sh", "-c", "zcat \"$0\" | groff -ww -man -Tutf8 -z 2>&1", page));

        const string Asked = "source /usr/share/bash-completion/completions/gatehouse; COMP_LINE='gatehouse up --la'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(gatehouse up --la); COMP_CWORD=2; _gatehouse; echo \"${COMPREPLY[*]}\"";
        Assert.Equal("--lan --lan-address", Succeeds(machine.In("bash", "-c", Asked)).Trim());
    }

    /// <summary>Starts the program with the user, the capabilities and the command line that the unit names, asks it for the Things, and stops it.</summary>
    private static async Task RunAsItsUnitSaysAsync(Machine machine)
    {
        var unit = (await File.ReadAllLinesAsync(machine.Root + "/lib/systemd/system/gatehouse.service")).Select(line => line.Split('=', 2)).Where(line => line.Length == 2).ToLookup(line => line[0], line => line[1]);
        var capabilities = string.Join(',', unit["AmbientCapabilities"].Single().Split(' ').Select(name => "+" + name["CAP_".Length..].ToLowerInvariant()));
        var user = unit["User"].Single();
        Succeeds(machine.In("install", "-d", "-o", user, "-g", user, "-m", unit["StateDirectoryMode"].Single(), "/var/lib/gatehouse"));

        using var gateway = machine.Start("/run/log", ["/usr/bin/setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs",
            "--inh-caps", "-all," + capabilities, "--ambient-caps", "-all," + capabilities, "--bounding-set", "-all," + capabilities, .. unit["ExecStart"].Single().Split(' ')]);
        try
        {
            var (code, output) = (-1, "");
            for (var tries = 0; tries < 100 && code != 0 && !gateway.HasExited; tries++)
            {
                (code, output) = machine.In("gatehouse", "things");
                if (code != 0) await Task.Delay(200);
            }

            Assert.True(code == 0, $"things: {output}; the gateway: {await File.ReadAllTextAsync(machine.Root + "/run/log")}");
            Assert.Contains("No device has been seen yet.", output, StringComparison.Ordinal);
            Assert.DoesNotContain("fail", await File.ReadAllTextAsync(machine.Root + "/run/log"), StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            Machine.TryRun("kill", ["-TERM", gateway.Id.ToString(CultureInfo.InvariantCulture)]);
            if (!gateway.WaitForExit(TimeSpan.FromSeconds(20))) gateway.Kill(entireProcessTree: true);
        }

        Assert.Equal(0, gateway.ExitCode);
    }

    private static string Succeeds((int Code, string Output) ended)
    {
        Assert.True(ended.Code == 0, ended.Output);
        return ended.Output;
    }

    // What apt, dpkg and useradd write for every package.
    [GeneratedRegex(@"^-?/(var/log/|var/cache/|var/lib/(dpkg|apt)/|etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|etc/\.pwd\.lock$|tmp/|dev/|proc/|sys/|run/)")]
    private static partial Regex Ordinary();
}
