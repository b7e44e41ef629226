using Xunit;

namespace Gatehouse.Tests.Gateway;

/// <summary>A test that needs the kernel's network: it runs inside <c>lab/enter</c>, and fails with the reason where it does not.</summary>
public static class Lab
{
    /// <summary>Fails the test unless it runs in namespaces of its own.</summary>
    public static void RequireNamespaces() => Assert.True(
        Environment.GetEnvironmentVariable("GATEHOUSE_LAB") == "1",
        "This test changes the kernel's network and runs only in namespaces of its own: start it with ./test, or with lab/enter before the command.");

    /// <summary>A folder of <c>shared/data</c> beside the project; fails the test where it is missing.</summary>
    public static string SharedData(string relative)
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Path.Combine(folder, "shared", "data", relative) is var candidate && Path.Exists(candidate)) return candidate;
        }

        Assert.Fail($"shared/data/{relative} was not found in any folder above {AppContext.BaseDirectory}: put the shared folder beside the checkout.");
        return "";
    }
}

/// <summary>Tests that change the kernel's network run alone, after the others: what they time is not to be the other tests' doing.</summary>
[CollectionDefinition("kernel", DisableParallelization = true)]
public static class KernelCollection;
