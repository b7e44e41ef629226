using System.Text.RegularExpressions;
using Gatehouse.Trust;
using Xunit;

namespace Gatehouse.Tests.Trust;

public sealed partial class ReadmeTests
{
    /// <summary>The example of src/Trust/README.md, compiled.</summary>
    internal static class Example
    {
        public static async Task<VerifiedImage> FetchNewestAsync(string stateFolder, byte[] shippedRoot, CancellationToken cancellationToken)
        {
            using var http = HttpTransport.CreateClient();
            var mirror = new HttpTransport(http, new Uri("https://updates.anvil.example/"));
            var repository = TufRepository.Open("anvil", Path.Combine(stateFolder, "trust"), shippedRoot, mirror, TimeProvider.System);

            // Throws a TrustException with a reason and a sentence for the owner; nothing unverified is kept.
            await repository.RefreshAsync(cancellationToken);

            var target = await repository.FindTargetAsync("anvil-dvr4/1.1.0/dvr4.swu", cancellationToken)
                ?? throw new InvalidOperationException("Nobody who may speak for this path has signed it.");
            var image = await repository.DownloadAsync(target, Path.Combine(stateFolder, "images"), cancellationToken);

            Console.WriteLine($"{image.Path}: signed by {string.Join(", ", image.Reason.Roles[^1].SignedBy)}");
            return image;
        }
    }

    [Fact]
    public void The_example_in_the_readme_is_the_one_that_compiles()
    {
        var example = CodeBlock().Match(Read("src", "Trust", "README.md")).Groups[1].Value;

        Assert.Contains(Squeeze(example), Squeeze(Read("tests", "Trust", "ReadmeTests.cs")), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_type_that_the_readme_names_is_there()
    {
        var known = typeof(TufRepository).Assembly.GetTypes().Select(t => t.Name).Concat(typeof(VerifiedImage).GetProperties().Select(p => p.Name)).ToHashSet(StringComparer.Ordinal);

        foreach (Match name in TypeName().Matches(Read("src", "Trust", "README.md"))) Assert.Contains(name.Groups[1].Value, known);
    }

    private static string Squeeze(string text) => string.Concat(text.Where(c => !char.IsWhiteSpace(c)));

    private static string Read(params string[] path)
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Gatehouse.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("Gatehouse.slnx");
        return File.ReadAllText(Path.Combine([folder, .. path]));
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("`([A-Z][A-Za-z]+)`")]
    private static partial Regex TypeName();
}
