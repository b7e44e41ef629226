using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Gatehouse.Packs;

/// <summary>
/// One value of a pack's file together with its place. Every reader returns something in any case and notes what was wrong, so that one
/// pass over the file finds all its faults; whether there were any decides at the end if the outcome is used.
/// </summary>
internal sealed class PackNode(string file, string place, JsonElement element, ImmutableArray<PackFault>.Builder faults)
{
    public delegate bool TryParse<T>(string text, out T value);

    public string File => file;

    public void Fault(string problem) => faults.Add(new(file, place, problem));

    /// <summary>Notes members that mean nothing here: most are misspelt.</summary>
    public void OnlyMembers(params ReadOnlySpan<string> names)
    {
        if (!IsObject()) return;
        foreach (var member in element.EnumerateObject())
        {
            if (!names.Contains(member.Name)) Member(member.Name, member.Value).Fault($"is not known here; known are: {string.Join(", ", names)}");
        }
    }

    public PackNode Required(string name)
    {
        if (Optional(name) is { } member) return member;
        if (element.ValueKind == JsonValueKind.Object) Fault($"'{name}' is missing");
        return new(file, $"{place}.{name}", default, ImmutableArray.CreateBuilder<PackFault>());
    }

    public PackNode? Optional(string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? Member(name, value) : null;

    /// <summary>The list called <paramref name="name"/>; one that is not there is empty.</summary>
    public ImmutableArray<T> List<T>(string name, int most, Func<PackNode, T> read)
    {
        if (Optional(name) is not { } list) return [];
        return list.Items(most).Select(read).ToImmutableArray();
    }

    /// <summary>An object whose values are all text.</summary>
    public ImmutableDictionary<string, string> Texts(string name)
    {
        if (Optional(name) is not { } node || !node.IsObject()) return ImmutableDictionary<string, string>.Empty;
        return node.Members().ToImmutableDictionary(member => member.Key, member => member.Value.TextOrNothing(500));
    }

    public string Text(int longest) => Text(longest, text => text.Length > 0, "a text that is not empty");

    public string TextOrNothing(int longest) => Text(longest, _ => true, "a text");

    public string Text(int longest, Func<string, bool> fits, string expected)
    {
        if (element.ValueKind == JsonValueKind.String && element.GetString()! is var text && text.Length <= longest && !text.Any(char.IsControl) && fits(text)) return text;
        Fault($"should be {expected}, at most {longest} characters, without control characters");
        return "";
    }

    public T As<T>(TryParse<T> tryParse, string expected)
    {
        if (element.ValueKind == JsonValueKind.String && tryParse(element.GetString()!, out var value)) return value;
        Fault($"should be {expected}");
        return default!;
    }

    public T OneOf<T>(ImmutableArray<KeyValuePair<string, T>> words)
    {
        var text = element.ValueKind == JsonValueKind.String ? element.GetString() : null;
        foreach (var (word, value) in words)
        {
            if (word == text) return value;
        }

        Fault($"should be one of: {string.Join(", ", words.Select(word => word.Key))}");
        return default!;
    }

    public bool Flag()
    {
        if (element.ValueKind is JsonValueKind.True or JsonValueKind.False) return element.GetBoolean();
        Fault("should be true or false");
        return false;
    }

    public ushort Port() => (ushort)Number(1, 65535);

    public double Number(double least, double most)
    {
        if (element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out var number) && number >= least && number <= most) return number;
        Fault(string.Create(CultureInfo.InvariantCulture, $"should be a number from {least} to {most}"));
        return least;
    }

    private bool IsObject()
    {
        if (element.ValueKind == JsonValueKind.Object) return true;
        Fault("should be an object {…}");
        return false;
    }

    private IEnumerable<KeyValuePair<string, PackNode>> Members() =>
        element.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, Member(member.Name, member.Value)));

    private List<PackNode> Items(int most)
    {
        if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() > most)
        {
            Fault($"should be a list […] of at most {most}");
            return [];
        }

        return [.. element.EnumerateArray().Select((item, index) => new PackNode(file, $"{place}[{index}]", item, faults))];
    }

    private PackNode Member(string name, JsonElement value) => new(file, $"{place}.{name}", value, faults);
}
