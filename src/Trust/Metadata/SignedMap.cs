using System.Runtime.InteropServices;
using System.Text.Json;

namespace Gatehouse.Trust.Metadata;

/// <summary>
/// Where things are inside the signed part of a file, noted while it was read once: each member, and each target's name. Targets are found
/// by binary search over these offsets, so that 100,000 of them cost four bytes each and are never turned into objects.
/// </summary>
internal sealed class SignedMap
{
    private readonly Dictionary<string, int> _members = [];
    private readonly List<int> _targetNames = [];
    private bool _insideTargets;
    private bool _targetsAreSorted = true;

    /// <summary>Offsets of the names of the "targets" object's members, in the order of the names once <see cref="SortTargets"/> ran.</summary>
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

    public void OnUnsorted(int depth)
    {
        if (depth == 2 && _insideTargets) _targetsAreSorted = false;
    }

    public void SortTargets(ReadOnlyMemory<byte> file)
    {
        _targetNames.TrimExcess();
        if (_targetsAreSorted) return;

        _targetNames.Sort((a, b) => JsonText.ReadString(file.Span, a, out _).AsSpan().SequenceCompareTo(JsonText.ReadString(file.Span, b, out _)));
    }
}
