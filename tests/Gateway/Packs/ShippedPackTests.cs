using System.Text.Json;
using Gatehouse.Packs;
using Gatehouse.Tests.Gateway.Architecture;
using Xunit;

namespace Gatehouse.Tests.Gateway.Packs;

/// <summary>The packs of this repository.</summary>
public sealed class ShippedPackTests
{
    private static readonly string Folder = Path.Combine(Sources.Root, "packs");

    [Fact]
    public void They_are_sound_named_after_their_files_and_say_where_their_facts_come_from()
    {
        var library = PackLibrary.Load([Folder]);

        Assert.Empty(library.Faults);
        Assert.NotEmpty(library.Packs);
        Assert.All(library.Packs, pack => Assert.Equal(Path.GetRelativePath(Folder, pack.File), pack.Id + ".json"));
        Assert.All(library.Packs, pack => Assert.NotEmpty(pack.Sources));
        Assert.All(library.Packs, pack => Assert.NotEmpty(pack.Recognise));
    }

    [Fact]
    public void The_schema_knows_the_members_that_the_reader_knows()
    {
        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "pack.schema.json")));
        var members = schema.RootElement.GetProperty("properties").EnumerateObject().Select(member => member.Name).ToList();
        var file = Path.GetTempFileName() + ".json";
        File.WriteAllText(file, """{ "colour": "red" }""");
        try
        {
            var faults = System.Collections.Immutable.ImmutableArray.CreateBuilder<PackFault>();
            PackReader.ReadFile(file, faults);
            var known = Assert.Single(faults, fault => fault.Place == "$.colour").Problem.Split(": ")[1].Split(", ");

            Assert.Equal(members.Order(), known.Order());
        }
        finally
        {
            File.Delete(file);
        }
    }
}
