namespace Gatehouse.Lab;

/// <summary>Words and <c>--name value</c> pairs of a command line; a pair without a value is a switch.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> _options = [];
    private readonly HashSet<string> _used = [];

    public Arguments(IEnumerable<string> words)
    {
        var rest = new Queue<string>(words);
        while (rest.TryDequeue(out var word))
        {
            if (!word.StartsWith("--", StringComparison.Ordinal)) Words.Add(word);
            else _options[word] = rest.TryPeek(out var value) && !value.StartsWith("--", StringComparison.Ordinal) ? rest.Dequeue() : "";
        }
    }

    public List<string> Words { get; } = [];

    public string? Option(string name)
    {
        _used.Add(name);
        return _options.GetValueOrDefault(name);
    }

    public string Required(string name) => Option(name) is { Length: > 0 } value ? value : throw new LabException($"{name} is missing.");

    public int Number(string name, int otherwise) => Option(name) is { } text
        ? int.TryParse(text, out var number) ? number : throw new LabException($"{name} wants a number, not '{text}'.") : otherwise;

    public bool Has(string name) => Option(name) is not null;

    /// <exception cref="LabException">An option was given that nothing asked for.</exception>
    public void RefuseUnknown()
    {
        if (_options.Keys.FirstOrDefault(name => !_used.Contains(name)) is { } unknown) throw new LabException($"{unknown} is not known here.");
    }
}
