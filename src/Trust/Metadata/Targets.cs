using System.Text;
using System.Text.Json;

namespace Gatehouse.Trust.Metadata;

/// <summary>
/// Targets metadata (4.5), top-level or delegated. The entries stay where they are in the served bytes; one is read when it is asked for.
/// </summary>
internal sealed class Targets : RoleMetadata
{
    private readonly TrustLimits _limits;

    public Targets(SignedFile file, string role, TrustLimits limits) : base(file, "targets", limits)
    {
        Role = role;
        _limits = limits;
        if (file.Map.ValueOf("targets") is not { } offset || file.Bytes.Span[JsonText.ValueFrom(file.Bytes.Span, offset)] != (byte)'{')
        {
            throw new JsonException("\"targets\" is missing");
        }

        using var delegations = file.ParseMember("delegations", limits);
        Delegations = delegations is null ? DelegationTable.Empty : DelegationTable.Parse(delegations.RootElement, limits);
    }

    public string Role { get; }

    public DelegationTable Delegations { get; }

    public int Count => File.Map.TargetNames.Length;

    /// <summary>What this role itself says of a path; null where it says nothing.</summary>
    /// <exception cref="JsonException">The entry is not what 4.5 describes.</exception>
    public TargetEntry? Find(string path)
    {
        var file = File.Bytes.Span;
        var names = File.Map.TargetNames;
        var wanted = Encoding.UTF8.GetBytes(path);
        int low = 0, high = names.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = JsonText.CompareString(file, names[middle], wanted);
            if (order == 0) return ReadEntry(names[middle]);
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return null;
    }

    /// <summary>The entry at a place in <see cref="Count"/>, in the order of the paths.</summary>
    public TargetEntry EntryAt(int index) => ReadEntry(File.Map.TargetNames[index]);

    private TargetEntry ReadEntry(int nameOffset)
    {
        var file = File.Bytes.Span;
        var path = Encoding.UTF8.GetString(JsonText.ReadString(file, nameOffset, out var end));
        using var value = File.ParseAt(JsonText.ValueFrom(file, end), _limits);
        var entry = value.RootElement;
        JsonElement? custom = entry.TryGetProperty("custom", out var given) ? given.Clone() : null;
        return new TargetEntry(
            path, entry.GetRequired("length").GetInteger("length", atLeast: 0), FileHashes.Parse(entry.GetRequired("hashes")), custom);
    }
}

/// <summary>What a targets role says of one path.</summary>
internal sealed record TargetEntry(string Path, long Length, FileHashes Hashes, JsonElement? Custom);
