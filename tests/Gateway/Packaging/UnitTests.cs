using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Packaging;

/// <summary>The systemd unit and the other files a package ships.</summary>
public sealed partial class UnitTests
{
    private static readonly string Files = Path.Combine(Checkout.Folder, "packaging/files");

    [Fact]
    public void The_unit_exposes_at_most_what_is_promised()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/systemd-analyze"), "systemd-analyze is not installed here.");

        var report = Machine.Run("systemd-analyze", "security", "--offline=true", "--no-pager", Path.Combine(Files, "gatehouse.service"));

        var level = double.Parse(Level().Match(report).Groups["level"].Value, CultureInfo.InvariantCulture);
        TestContext.Current.TestOutputHelper?.WriteLine($"exposure level {level}");
        Assert.True(level <= 2.5, report);
    }

    [Fact]
    public void The_unit_has_three_capabilities_and_can_gain_no_others()
    {
        var unit = File.ReadAllLines(Path.Combine(Files, "gatehouse.service"));
        const string Three = "CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE";

        Assert.Contains("AmbientCapabilities=" + Three, unit);
        Assert.Contains("CapabilityBoundingSet=" + Three, unit);
        Assert.Contains("NoNewPrivileges=yes", unit);
        Assert.Contains("User=gatehouse", unit);
    }

    [Fact]
    public void Every_library_in_the_program_is_in_the_copyright_file()
    {
        var central = File.ReadAllText(Path.Combine(Checkout.Folder, "Directory.Packages.props")).Split("Tests only")[0];
        var copyright = File.ReadAllText(Path.Combine(Files, "copyright"));

        Assert.All(Package().Matches(central), package => Assert.Contains(package.Groups["name"].Value, copyright, StringComparison.Ordinal));
    }

    [GeneratedRegex("Overall exposure level for .*: (?<level>[0-9.]+) ")]
    private static partial Regex Level();

    [GeneratedRegex("<PackageVersion Include=\"(?<name>[^\"]+)\"")]
    private static partial Regex Package();
}
