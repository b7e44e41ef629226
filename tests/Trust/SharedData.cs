using Xunit;

namespace Gatehouse.Tests.Trust;

internal static class SharedData
{
    /// <summary>A folder of <c>shared/data</c> beside the project; fails the test where it is missing.</summary>
    public static string Find(string relative)
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Path.Combine(folder, "shared", "data", relative) is var candidate && Path.Exists(candidate)) return candidate;
        }

        Assert.Fail($"shared/data/{relative} was not found in any folder above {AppContext.BaseDirectory}: put the shared folder beside the checkout.");
        return "";
    }
}
