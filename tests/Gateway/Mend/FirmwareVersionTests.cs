using Gatehouse.Mend;
using Xunit;

namespace Gatehouse.Tests.Gateway.Mend;

public sealed class FirmwareVersionTests
{
    /// <summary>Older, newer.</summary>
    public static TheoryData<string, string> InOrder => new()
    {
        { "1.9", "1.10" }, { "1.2.3", "1.2.4" }, { "v1.0", "V2.0" }, { "1.0.0-rc1", "1.0.0" }, { "1.0.0-alpha", "1.0.0-beta" }, { "9", "10" },
        { "2016.12.31", "2017.1.1" }, { "1.0", "1.0.0.1" }, { "12.1.1", "12.1.1.1(tasmota)" },
    };

    public static TheoryData<string, string> Equal => new() { { "1.2", "1.2.0" }, { "v3", "3.0.0" }, { "1.0+build5", "1.0+build6" }, { "1.01", "1.1" } };

    public static TheoryData<string> NoVersions =>
        ["", "v", "latest", ".1", "-1", "1 2", "1.2\n", "1.99999999999", "1.2.3.4.5.6.7.8.9", "<b>1</b>", new string('1', 65), "1.2;reboot"];

    [Theory, MemberData(nameof(InOrder))]
    public void A_newer_version_is_greater(string older, string newer)
    {
        Assert.True(V(older) < V(newer));
        Assert.True(V(newer) > V(older));
        Assert.False(V(older) == V(newer));
    }

    [Theory, MemberData(nameof(Equal))]
    public void Versions_that_differ_only_in_writing_are_equal(string one, string other)
    {
        Assert.True(V(one) == V(other));
        Assert.Equal(V(one).GetHashCode(), V(other).GetHashCode());
    }

    [Theory, MemberData(nameof(NoVersions))]
    public void What_is_no_version_has_no_order(string text) => Assert.False(FirmwareVersion.TryParse(text, out _));

    [Fact]
    public void The_order_is_that_of_the_numbers()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 2000; i++)
        {
            var (one, other) = (Numbers(random), Numbers(random));
            var expected = Enumerable.Range(0, 4).Select(place => one[place].CompareTo(other[place])).FirstOrDefault(order => order != 0);

            Assert.True(Math.Sign(V(string.Join('.', one)).CompareTo(V(string.Join('.', other)))) == expected, $"seed {seed}: {string.Join('.', one)} and {string.Join('.', other)}");
        }
    }

    private static int[] Numbers(Random random) => [.. Enumerable.Range(0, 4).Select(_ => random.Next(3) * 5)];

    private static FirmwareVersion V(string text) => FirmwareVersion.TryParse(text, out var version) ? version : throw new FormatException(text);
}
