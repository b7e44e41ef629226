using System.Text.RegularExpressions;
using Xunit;

namespace Gatehouse.Tests.Gateway.Architecture;

/// <summary>A README that names a type which is gone misleads; these tests find it.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public void Types_that_the_folders_readmes_name_exist()
    {
        var declared = Sources.Files("*.cs").SelectMany(file => Declaration().Matches(File.ReadAllText(file)).Select(match => match.Groups["name"].Value)).ToHashSet();
        var missing = from readme in Sources.Files("README.md")
                      where Sources.Relative(readme).StartsWith("src/", StringComparison.Ordinal)
                      from Match mention in TypeMention().Matches(File.ReadAllText(readme))
                      let name = mention.Groups["name"].Value
                      where !declared.Contains(name)
                      select $"{Sources.Relative(readme)} names `{name}`";

        Assert.Empty(missing);
    }

    [Fact]
    public void Links_in_documents_lead_somewhere()
    {
        var broken = from page in Sources.Files("*.md")
                     from Match link in Link().Matches(File.ReadAllText(page))
                     let target = link.Groups["target"].Value.Split('#')[0]
                     where target.Length > 0 && !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal)
                     where !Path.Exists(Path.Combine(Path.GetDirectoryName(page)!, target))
                     select $"{Sources.Relative(page)} -> {target}";

        Assert.Empty(broken);
    }

    [GeneratedRegex(@"\b(?:class|struct|record|interface|enum|delegate)\s+(?:struct\s+|class\s+)?(?<name>[A-Z]\w+)")]
    private static partial Regex Declaration();

    // `TypeName` or `TypeName.Member`, two capitals at least, so that words like `Certain` or `OK` are left alone.
    [GeneratedRegex(@"`(?<name>[A-Z][a-z0-9]+[A-Z]\w*)(?:\.\w+)?(?:\([^`]*\))?`")]
    private static partial Regex TypeMention();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();
}
