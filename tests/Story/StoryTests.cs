using Gatehouse.Lab;
using Xunit;

namespace Gatehouse.Tests.Story;

/// <summary>The whole story, with the native programs, in namespaces of its own; and every sabotage, each of which must turn it red at its own step.</summary>
[Trait("Needs", "story"), Trait("Needs", "native"), Trait("Needs", "long")]
public sealed class StoryTests
{
    // A machine that also runs other work gets more time; what was measured is printed as it was.
    private const string Patience = "4";

    [Fact]
    public async Task Every_step_of_the_story_holds()
    {
        var played = await PlayAsync("--seed", "1", "--report", Path.Combine(Checkout(), "out/story.json"));

        Assert.True(played.ExitCode == 0, played.Said);
        Assert.DoesNotContain("RED", played.Output, StringComparison.Ordinal);
    }

    // Each with a seed of its own: other names, addresses, MAC addresses and makers' words. The steps before the broken one hold with them.
    [Theory]
    [InlineData("flush-rules", 2, 1)]
    [InlineData("serve-tampered", 3, 4)]
    [InlineData("stop-watch", 4, 5)]
    [InlineData("forget-password", 5, 6)]
    [InlineData("keep-old-firmware", 6, 6)]
    public async Task A_sabotage_turns_the_story_red_at_its_step(string sabotage, int seed, int step)
    {
        var played = await PlayAsync("--seed", $"{seed}", "--sabotage", sabotage, "--no-control");

        Assert.True(played.ExitCode == 1, played.Said);
        Assert.True(played.Output.Contains($"RED at step {step}:", StringComparison.Ordinal), $"It should have gone red at step {step}:\n{played.Said}");
    }

    private static Task<CommandResult> PlayAsync(params string[] words)
    {
        var lab = Path.Combine(Checkout(), "out/bin/gatehouse-lab");
        Assert.True(File.Exists(lab), $"{lab} is missing: ./run --build makes it.");
        return Shell.TryAsync(Path.Combine(Checkout(), "lab/enter"), [lab, "story", "--bin", Path.GetDirectoryName(lab)!, "--patience", Patience, .. words], TimeSpan.FromMinutes(9), TestContext.Current.CancellationToken);
    }

    private static string Checkout()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Gatehouse.slnx"))) return folder;
        }

        throw new InvalidOperationException("The tests run inside the checkout.");
    }
}
