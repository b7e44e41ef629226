using System.Buffers;
using System.Text.Json;

namespace Gatehouse.Trust.Metadata;

/// <summary>
/// Turns one JSON object into canonical JSON (OLPC form, as TUF signs it) while it is read, in one pass.
/// </summary>
/// <remarks>
/// Idea: as long as what was read is already canonical, the served bytes themselves are the canonical form and nothing is copied. At the
/// first difference (white space, an escape that need not be, members out of order) the part before it is copied and the rest is written
/// out. Canonical text is never longer than its source, so one buffer of the source's size is enough.
/// Invariant: <c>_length</c> bytes of canonical text exist, either at the start of the source or in <c>_copy</c>.
/// Members out of order are put in order when their object ends; a name that comes twice is refused, because two readers could take
/// different ones for the signed one.
/// </remarks>
internal ref struct CanonicalScanner
{
    private readonly ReadOnlySpan<byte> _source;
    private readonly int _start;
    private readonly List<int> _memberStarts = [];
    private readonly Stack<Frame> _frames = new();
    private byte[]? _copy;
    private int _length;
    private byte _separator;

    private struct Frame
    {
        public bool IsObject;
        public bool IsSorted;
        public int Count;
        public int Start;
        public int FirstMember;
    }

    /// <param name="source">The whole file.</param>
    /// <param name="start">Where in it the object's opening brace is.</param>
    public CanonicalScanner(ReadOnlySpan<byte> source, int start)
    {
        _source = source;
        _start = start;
    }

    /// <summary>Reads the object that <paramref name="reader"/> stands on, to its end. Fills <paramref name="map"/> with where things are.</summary>
    /// <exception cref="JsonException">Not JSON, a repeated name, or a number that canonical JSON does not have.</exception>
    public void Scan(ref Utf8JsonReader reader, SignedMap map)
    {
        Open(ref reader, isObject: true);
        while (_frames.Count > 0 && reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject: Separate(); Open(ref reader, isObject: true); break;
                case JsonTokenType.StartArray: Separate(); Open(ref reader, isObject: false); break;
                case JsonTokenType.PropertyName: Name(ref reader, map); break;
                case JsonTokenType.EndObject: CloseObject(ref reader, map); break;
                case JsonTokenType.EndArray: _frames.Pop(); Expect(ref reader); Put((byte)']'); break;
                case JsonTokenType.String: Separate(); Text(ref reader); break;
                case JsonTokenType.Number: Separate(); Number(ref reader); break;
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
        _frames.Push(new Frame { IsObject = isObject, IsSorted = true, Start = _length, FirstMember = _memberStarts.Count });
        Put(isObject ? (byte)'{' : (byte)'[');
    }

    private void Separate()
    {
        if (!_frames.TryPeek(out var frame) || frame.IsObject) return;

        _frames.Pop();
        if (frame.Count++ > 0) Put((byte)',');
        _frames.Push(frame);
    }

    private void Name(ref Utf8JsonReader reader, SignedMap map)
    {
        var frame = _frames.Pop();
        if (frame.Count++ > 0) Put((byte)',');
        var start = _length;
        Text(ref reader);
        var nameEnd = _length;
        Put((byte)':');

        if (frame.Count > 1)
        {
            var order = CompareNames(NameAt(_memberStarts[^1]), Canonical(start, nameEnd - start)[1..^1]);
            if (order == 0) throw new JsonException("a name comes twice in one object");
            if (order > 0)
            {
                frame.IsSorted = false;
                Diverge();
            }
        }

        _memberStarts.Add(start);
        _frames.Push(frame);
        map.OnName(ref reader, depth: _frames.Count);
    }

    private void CloseObject(ref Utf8JsonReader reader, SignedMap map)
    {
        var frame = _frames.Pop();
        if (!frame.IsSorted)
        {
            map.OnUnsorted(depth: _frames.Count + 1);
            SortMembers(frame);
        }

        _memberStarts.RemoveRange(frame.FirstMember, _memberStarts.Count - frame.FirstMember);
        Expect(ref reader);
        Put((byte)'}');
    }

    /// <summary>Puts the members of an object that just ended in order. They lie one after another from the first one's start to the end of the text.</summary>
    private readonly void SortMembers(Frame frame)
    {
        var count = _memberStarts.Count - frame.FirstMember;
        var members = new (int Start, int End)[count];
        for (var i = 0; i < count; i++)
        {
            var next = i + 1 < count ? _memberStarts[frame.FirstMember + i + 1] - 1 : _length;
            members[i] = (_memberStarts[frame.FirstMember + i], next);
        }

        var copy = _copy!;
        Array.Sort(members, (a, b) => CompareNames(NameIn(copy, a.Start), NameIn(copy, b.Start)));
        for (var i = 1; i < count; i++)
        {
            if (CompareNames(NameIn(copy, members[i - 1].Start), NameIn(copy, members[i].Start)) == 0)
            {
                throw new JsonException("a name comes twice in one object");
            }
        }

        var first = _memberStarts[frame.FirstMember];
        var unsorted = ArrayPool<byte>.Shared.Rent(_length - first);
        copy.AsSpan(first, _length - first).CopyTo(unsorted);
        var at = first;
        foreach (var (start, end) in members)
        {
            if (at > first) copy[at++] = (byte)',';
            unsorted.AsSpan(start - first, end - start).CopyTo(copy.AsSpan(at));
            at += end - start;
        }

        ArrayPool<byte>.Shared.Return(unsorted);
    }

    private void Text(ref Utf8JsonReader reader)
    {
        Expect(ref reader);
        if (!reader.ValueIsEscaped || HasOnlyNeededEscapes(reader.ValueSpan))
        {
            // One step for quote, text, quote: where the source is canonical this only moves the length.
            if (_copy is null)
            {
                _length += reader.ValueSpan.Length + 2;
                _separator = 0;
                return;
            }

            Put((byte)'"');
            Put(reader.ValueSpan);
            Put((byte)'"');
            return;
        }

        Diverge();
        PutEscaped(ref reader);
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

    private readonly ReadOnlySpan<byte> Canonical(int start, int length) =>
        _copy is null ? _source.Slice(_start + start, length) : _copy.AsSpan(start, length);

    private readonly ReadOnlySpan<byte> NameAt(int start) => NameIn(Canonical(0, _length), start);

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
    private static int CompareNames(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        if (!a.Contains((byte)'\\') && !b.Contains((byte)'\\')) return a.SequenceCompareTo(b);

        return Unescape(a).SequenceCompareTo(Unescape(b));

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
