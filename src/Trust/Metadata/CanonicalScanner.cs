using System.Buffers;
using System.Text.Json;

namespace Gatehouse.Trust.Metadata;

/// <summary>
/// Turns one JSON object into canonical JSON (OLPC form, as TUF signs it) while it is read, in one pass.
/// </summary>
/// <remarks>
/// Idea: as long as what was read is already canonical, the served bytes themselves are the canonical form and nothing is copied. At the
/// first difference (white space, an escape that need not be, members out of order) the part before it is copied and the rest is written
/// out. Canonical text is never longer than its source, so one buffer of the source's size is enough; pages of it that are never written
/// cost nothing.
/// Invariant: <c>_length</c> bytes of canonical text exist, either at the start of the source or in <c>_copy</c>.
/// Members out of order are put in order when their object ends; a name that comes twice is refused, because two readers could take
/// different ones for the signed one.
/// </remarks>
internal ref struct CanonicalScanner
{
    private readonly ReadOnlySpan<byte> _source;
    private readonly int _start;
    private readonly Frame[] _frames;
    private int[] _memberStarts = new int[64];
    private int _memberCount;
    private int _depth;
    private byte[]? _copy;
    private int _length;
    private byte _separator;

    /// <summary>An object or list that has begun and not yet ended.</summary>
    private struct Frame
    {
        public bool IsObject;
        public bool IsSorted;
        public bool HasEscapedName;
        public int Count;
        public int FirstMember;
        public int NameStart;
        public int NameLength;
    }

    /// <param name="source">The whole file.</param>
    /// <param name="start">Where in it the object's opening brace is.</param>
    /// <param name="maxDepth">As the reader's: deeper text never arrives here.</param>
    public CanonicalScanner(ReadOnlySpan<byte> source, int start, int maxDepth)
    {
        _source = source;
        _start = start;
        _frames = new Frame[maxDepth + 1];
    }

    /// <summary>Reads the object that <paramref name="reader"/> stands on, to its end. Fills <paramref name="map"/> with where things are.</summary>
    /// <exception cref="JsonException">Not JSON, a repeated name, or a number that canonical JSON does not have.</exception>
    public void Scan(ref Utf8JsonReader reader, SignedMap map)
    {
        Open(ref reader, isObject: true);
        while (_depth > 0 && reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName: Name(ref reader, map); break;
                case JsonTokenType.String: Separate(); Text(ref reader); break;
                case JsonTokenType.StartObject: Separate(); Open(ref reader, isObject: true); break;
                case JsonTokenType.EndObject: CloseObject(ref reader, map); break;
                case JsonTokenType.Number: Separate(); Number(ref reader); break;
                case JsonTokenType.StartArray: Separate(); Open(ref reader, isObject: false); break;
                case JsonTokenType.EndArray: Expect(ref reader); Put((byte)']'); _depth--; break;
                default: Separate(); Expect(ref reader); Put(reader.ValueSpan); break;
            }
        }
    }

    /// <summary>The canonical text. Part of the source where that was canonical already.</summary>
    public readonly ReadOnlyMemory<byte> Result(ReadOnlyMemory<byte> source) =>
        _copy is null ? source.Slice(_start, _length) : _copy.AsMemory(0, _length);

    private void Open(ref Utf8JsonReader reader, bool isObject)
    {
        Expect(ref reader);
        _frames[_depth++] = new Frame { IsObject = isObject, IsSorted = true, FirstMember = _memberCount };
        Put(isObject ? (byte)'{' : (byte)'[');
    }

    /// <summary>Before a value: a comma where it is not the first of a list. A member's value has its colon already.</summary>
    private void Separate()
    {
        if (_depth == 0) return;

        ref var frame = ref _frames[_depth - 1];
        if (!frame.IsObject && frame.Count++ > 0) Put((byte)',');
    }

    private void Name(ref Utf8JsonReader reader, SignedMap map)
    {
        ref var frame = ref _frames[_depth - 1];
        if (frame.Count++ > 0) Put((byte)',');
        var start = _length;
        Text(ref reader);
        var (nameStart, nameLength) = (start + 1, _length - start - 2);
        Put((byte)':');
        // The reader has found escapes in the source; only the two that canonical JSON keeps can be left.
        frame.HasEscapedName |= reader.ValueIsEscaped;

        if (frame.Count > 1)
        {
            var text = Canonical;
            var order = Compare(text.Slice(frame.NameStart, frame.NameLength), text.Slice(nameStart, nameLength), frame.HasEscapedName);
            if (order == 0) throw new JsonException("a name comes twice in one object");
            if (order > 0)
            {
                frame.IsSorted = false;
                Diverge();
            }
        }

        (frame.NameStart, frame.NameLength) = (nameStart, nameLength);
        if (_memberCount == _memberStarts.Length) Array.Resize(ref _memberStarts, _memberCount * 2);
        _memberStarts[_memberCount++] = start;
        if (_depth <= SignedMap.Depth) map.OnName(ref reader, _depth);
    }

    private void CloseObject(ref Utf8JsonReader reader, SignedMap map)
    {
        ref var frame = ref _frames[_depth - 1];
        if (!frame.IsSorted) SortMembers(frame, map);

        _memberCount = frame.FirstMember;
        Expect(ref reader);
        Put((byte)'}');
        _depth--;
    }

    /// <summary>Puts the members of an object that just ended in order. They lie one after another from the first one's start to the end of the text.</summary>
    private readonly void SortMembers(Frame frame, SignedMap map)
    {
        var copy = _copy!;
        var members = FindMembers(frame);
        Array.Sort(members, (a, b) => Compare(a.NameIn(copy), b.NameIn(copy), frame.HasEscapedName));
        for (var i = 1; i < members.Length; i++)
        {
            if (Compare(members[i - 1].NameIn(copy), members[i].NameIn(copy), frame.HasEscapedName) == 0)
            {
                throw new JsonException("a name comes twice in one object");
            }
        }

        if (_depth <= SignedMap.Depth) map.OnSorted(members, _depth);
        Rearrange(copy.AsSpan(0, _length), _memberStarts[frame.FirstMember], members);
    }

    /// <summary>
    /// Moves members to their places. The largest is moved within the buffer and only the others are copied out: where one member holds
    /// nearly everything (the targets of a large file) the second copy is small.
    /// </summary>
    private static void Rearrange(Span<byte> text, int first, CanonicalMember[] members)
    {
        var largest = members.MaxBy(m => m.End - m.Start);
        var others = new byte[text.Length - first - (largest.End - largest.Start)];
        text[first..largest.Start].CopyTo(others);
        text[largest.End..].CopyTo(others.AsSpan(largest.Start - first));

        var at = first;
        foreach (var member in members)
        {
            if (member.Place == largest.Place) text[largest.Start..largest.End].CopyTo(text[at..]);
            at += member.End - member.Start + 1;
        }

        at = first;
        foreach (var member in members)
        {
            if (at > first) text[at - 1] = (byte)',';
            var from = member.Start - first - (member.Start > largest.Start ? largest.End - largest.Start : 0);
            if (member.Place != largest.Place) others.AsSpan(from, member.End - member.Start).CopyTo(text[at..]);
            at += member.End - member.Start + 1;
        }
    }

    private readonly CanonicalMember[] FindMembers(Frame frame)
    {
        var members = new CanonicalMember[_memberCount - frame.FirstMember];
        for (var i = 0; i < members.Length; i++)
        {
            var start = _memberStarts[frame.FirstMember + i];
            var end = i + 1 < members.Length ? _memberStarts[frame.FirstMember + i + 1] - 1 : _length;
            members[i] = new CanonicalMember(start, NameIn(_copy, start).Length, end, i);
        }

        return members;
    }

    private void Text(ref Utf8JsonReader reader)
    {
        var value = reader.ValueSpan;
        if (reader.ValueIsEscaped && !HasOnlyNeededEscapes(value))
        {
            Diverge();
            PutEscaped(ref reader);
            return;
        }

        Expect(ref reader);
        if (_copy is not null)
        {
            // Quote, text and quote stand together in the source.
            _source.Slice((int)reader.TokenStartIndex, value.Length + 2).CopyTo(_copy.AsSpan(_length));
        }

        _length += value.Length + 2;
        _separator = 0;
    }

    private void PutEscaped(ref Utf8JsonReader reader)
    {
        var text = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            // A lone surrogate has no UTF-8 form: nobody can have signed it.
            var length = reader.CopyString(text);
            Put((byte)'"');
            foreach (var octet in text.AsSpan(0, length))
            {
                if (octet is (byte)'"' or (byte)'\\') Put((byte)'\\');
                Put(octet);
            }

            Put((byte)'"');
        }
        catch (InvalidOperationException bad)
        {
            throw new JsonException("a string is not Unicode", bad);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(text);
        }
    }

    private static bool HasOnlyNeededEscapes(ReadOnlySpan<byte> text)
    {
        for (var at = text.IndexOf((byte)'\\'); at >= 0; at = text.IndexOf((byte)'\\'))
        {
            if (text[at + 1] is not ((byte)'"' or (byte)'\\')) return false;
            text = text[(at + 2)..];
        }

        return true;
    }

    private void Number(ref Utf8JsonReader reader)
    {
        // Canonical JSON knows integers only: how a fraction is written back differs between languages.
        if (reader.ValueSpan.IndexOfAny((byte)'.', (byte)'e', (byte)'E') >= 0) throw new JsonException("a number is not an integer");
        if (reader.ValueSpan.SequenceEqual("-0"u8))
        {
            Diverge();
            Put((byte)'0');
            return;
        }

        Expect(ref reader);
        Put(reader.ValueSpan);
    }

    private void Expect(ref Utf8JsonReader reader)
    {
        if (_copy is null && reader.TokenStartIndex != _start + _length) Diverge();
    }

    private void Diverge()
    {
        if (_copy is not null) return;

        _copy = GC.AllocateUninitializedArray<byte>(_source.Length - _start);
        _source.Slice(_start, _length).CopyTo(_copy);

        // A separator just counted may stand elsewhere in the source (" ," or ": "): write the one that belongs there.
        if (_separator != 0) _copy[_length - 1] = _separator;
    }

    private void Put(byte octet)
    {
        _separator = octet is (byte)',' or (byte)':' ? octet : (byte)0;
        if (_copy is not null) _copy[_length] = octet;
        _length++;
    }

    private void Put(ReadOnlySpan<byte> octets)
    {
        _separator = 0;
        if (_copy is not null) octets.CopyTo(_copy.AsSpan(_length));
        _length += octets.Length;
    }

    private readonly ReadOnlySpan<byte> Canonical => _copy is null ? _source.Slice(_start, _length) : _copy.AsSpan(0, _length);

    private static ReadOnlySpan<byte> NameIn(ReadOnlySpan<byte> canonical, int start)
    {
        var rest = canonical[(start + 1)..];
        var length = 0;
        while (true)
        {
            length += rest[length..].IndexOfAny((byte)'"', (byte)'\\');
            if (rest[length] == (byte)'"') return rest[..length];

            length += 2;
        }
    }

    /// <summary>Orders names by their Unicode code points, which UTF-8 keeps. The two escapes of canonical JSON are seen through.</summary>
    private static int Compare(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, bool mayBeEscaped)
    {
        return mayBeEscaped ? Unescape(a).SequenceCompareTo(Unescape(b)) : a.SequenceCompareTo(b);

        static ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> name)
        {
            var plain = new byte[name.Length];
            var length = 0;
            for (var i = 0; i < name.Length; i++)
            {
                if (name[i] == (byte)'\\') i++;
                plain[length++] = name[i];
            }

            return plain.AsSpan(0, length);
        }
    }
}

/// <summary>A member in the canonical text: where it starts (with its name's quote), how long the name is, where it ends, and which it was in the source.</summary>
internal readonly record struct CanonicalMember(int Start, int NameLength, int End, int Place)
{
    public ReadOnlySpan<byte> NameIn(ReadOnlySpan<byte> canonical) => canonical.Slice(Start + 1, NameLength);
}
