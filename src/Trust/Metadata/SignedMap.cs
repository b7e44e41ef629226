using System.Runtime.InteropServices;
using System.Text.Json;

namespace Gatehouse.Trust.Metadata;

/// <summary>
/// Where things are inside the signed part of a file, noted while it was read once: each member, and each target's name. Targets are found
/// by binary search over these offsets, so that 100,000 of them cost four bytes each and are never turned into objects.
/// </summary>
internal sealed class SignedMap
{
    /// <summary>How deep names are of interest: members of the signed object, and targets.</summary>
    public const int Depth = 2;

    private readonly Dictionary<string, int> _members = [];
    private readonly List<int> _targetNames = [];
    private bool _insideTargets;

    /// <summary>Offsets of the names of the "targets" object's members, in the order of the names.</summary>
    public ReadOnlySpan<int> TargetNames => CollectionsMarshal.AsSpan(_targetNames);

    /// <summary>Offset of the value of a member of the signed object; null where there is none.</summary>
    public int? ValueOf(string member) => _members.TryGetValue(member, out var offset) ? offset : null;

    public void OnName(ref Utf8JsonReader reader, int depth)
    {
        if (depth == 1)
        {
            _insideTargets = reader.ValueTextEquals("targets"u8);
            // Only the specification's names are looked up; a file of nothing but members must not fill a table.
            if (_members.Count < 64) _members[reader.GetString()!] = (int)reader.BytesConsumed;
        }
        else if (depth == 2 && _insideTargets)
        {
            _targetNames.Add((int)reader.TokenStartIndex);
        }
    }

    /// <summary>An object's members were put in order: the targets' names follow.</summary>
    public void OnSorted(ReadOnlySpan<CanonicalMember> members, int depth)
    {
        if (depth != 2 || !_insideTargets) return;

        var before = _targetNames.ToArray();
        for (var i = 0; i < members.Length; i++) _targetNames[i] = before[members[i].Place];
    }
}
