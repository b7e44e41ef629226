using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Gatehouse.Packs;

/// <summary>Something wrong with a pack.</summary>
/// <param name="File">The file, as it was found.</param>
/// <param name="Place">A JSON path (<c>$.recognise[2].weight</c>), or a line where the file is not JSON at all.</param>
/// <param name="Problem">What is wrong and what belongs there.</param>
public sealed record PackFault(string File, string Place, string Problem)
{
    public override string ToString() => $"{File}: {Place}: {Problem}";
}

/// <summary>
/// Every pack there is. A file with a fault is left out whole and all faults of all files are reported together: one bad pack from
/// somebody else must not keep a gateway from starting, nor be half believed.
/// </summary>
public sealed class PackLibrary
{
    /// <summary>Files read, over all folders. Beyond it the rest is left out and reported.</summary>
    public const int MaxFiles = 20_000;

    private readonly FrozenDictionary<string, Pack> _byId;

    private PackLibrary(IReadOnlyCollection<Pack> packs, ImmutableArray<PackFault> faults)
    {
        Packs = [.. packs.OrderBy(pack => pack.Id, StringComparer.Ordinal)];
        Faults = faults;
        _byId = Packs.ToFrozenDictionary(pack => pack.Id);
    }

    /// <summary>A library without packs.</summary>
    public static PackLibrary Empty { get; } = new([], []);

    /// <summary>The packs that are sound, by <see cref="Pack.Id"/>.</summary>
    public ImmutableArray<Pack> Packs { get; }

    /// <summary>Everything that is wrong with the others; to be shown, never thrown away.</summary>
    public ImmutableArray<PackFault> Faults { get; }

    /// <summary>The pack with this <see cref="Pack.Id"/> (an identity's <c>pack</c>), or null.</summary>
    public Pack? Find(string? id) => id is null ? null : _byId.GetValueOrDefault(id);

    /// <summary>Reads every <c>*.json</c> below the folders but <c>*.schema.json</c>. A pack in a later folder replaces one of the same name in an earlier one.</summary>
    /// <exception cref="DirectoryNotFoundException">A folder is not there.</exception>
    public static PackLibrary Load(IEnumerable<string> folders)
    {
        var faults = ImmutableArray.CreateBuilder<PackFault>();
        var packs = new Dictionary<string, Pack>();
        var files = 0;
        foreach (var folder in folders)
        {
            var here = new Dictionary<string, string>();
            foreach (var file in FilesBelow(folder))
            {
                if (++files > MaxFiles)
                {
                    faults.Add(new(folder, "$", $"more than {MaxFiles} packs; the rest is left out"));
                    break;
                }

                if (PackReader.ReadFile(file, faults) is not { } pack) continue;
                if (here.TryAdd(pack.Id, file)) packs[pack.Id] = pack;
                else faults.Add(new(file, "$.pack", $"'{pack.Id}' is already the name of {here[pack.Id]}; give one of them another name"));
            }
        }

        return new(packs.Values, faults.ToImmutable());
    }

    private static IEnumerable<string> FilesBelow(string folder) =>
        from file in Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories)
        where !file.EndsWith(".schema.json", StringComparison.Ordinal)
        orderby file
        select file;
}
