using System.Text.RegularExpressions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Architecture;

/// <summary>
/// Holds the arrows between projects, and between the folders of Gateway, against <c>references.txt</c>: a new arrow shows in a diff and is
/// thought about. Write the file anew with <c>GATEHOUSE_REWRITE_GOLDEN=1</c>.
/// </summary>
public sealed partial class ReferenceTests
{
    private static string Golden => Path.Combine(Sources.Root, "tests", "Gateway", "Architecture", "references.txt");

    [Fact]
    public void Arrows_between_projects_and_folders_are_those_on_the_list()
    {
        var actual = string.Join('\n', ProjectArrows().Concat(FolderArrows()).Order(StringComparer.Ordinal)) + "\n";
        if (Environment.GetEnvironmentVariable("GATEHOUSE_REWRITE_GOLDEN") == "1") File.WriteAllText(Golden, actual);

        Assert.Equal(File.ReadAllText(Golden), actual);
    }

    [Fact]
    public void Nothing_knows_the_console_or_the_commands()
    {
        Assert.DoesNotContain(FolderArrows(), arrow => arrow.EndsWith("-> Commands", StringComparison.Ordinal));
        Assert.DoesNotContain(FolderArrows(), arrow => arrow.EndsWith("-> Console", StringComparison.Ordinal) && !arrow.StartsWith("Gateway/Commands", StringComparison.Ordinal));
    }

    private static IEnumerable<string> ProjectArrows() =>
        from project in Sources.Files("*.csproj")
        from Match reference in ProjectReference().Matches(File.ReadAllText(project))
        select $"{Sources.Relative(project)} -> {Path.GetFileName(reference.Groups["path"].Value)}";

    private static IEnumerable<string> FolderArrows()
    {
        var gateway = Path.Combine(Sources.Root, "src", "Gateway");
        var folders = Directory.GetDirectories(gateway).Select(folder => Path.GetFileName(folder)!).Where(folder => folder is not ("bin" or "obj")).ToHashSet();
        return (from folder in folders
                from file in Directory.EnumerateFiles(Path.Combine(gateway, folder), "*", SearchOption.AllDirectories)
                where Path.GetExtension(file) is ".cs" or ".cshtml"
                from Match mention in Namespace().Matches(File.ReadAllText(file))
                let other = mention.Groups["part"].Value
                where other != folder && (folders.Contains(other) || other == "Trust")
                select $"Gateway/{folder} -> {other}").Distinct();
    }

    [GeneratedRegex("""ProjectReference Include="(?<path>[^"]+)""")]
    private static partial Regex ProjectReference();

    [GeneratedRegex(@"\bGatehouse\.(?<part>[A-Z][A-Za-z]+)\b")]
    private static partial Regex Namespace();
}
