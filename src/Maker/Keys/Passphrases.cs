namespace Gatehouse.Maker.Keys;

/// <summary>A passphrase for a new key, and what guessing it shall cost.</summary>
internal sealed record NewPassphrase(string Text, int MemoryKib, int Passes)
{
    // RFC 9106, 4: the second recommended choice (64 MiB, three passes), with the one lane that libsodium has.
    public static NewPassphrase Usual(string text) => new(text, 64 * 1024, 3);

    /// <summary>For labs and CI, whose keys guard nothing: makes and opens keys in a millisecond.</summary>
    public static NewPassphrase Light(string text) => new(text, 1024, 1);
}

/// <summary>Passphrases from files (labs, CI, a password manager's pipe) or typed without echo.</summary>
internal sealed class Passphrases
{
    private const int MinLength = 8;
    private readonly List<string> _fromFiles;

    private readonly bool _light;

    public Passphrases(IEnumerable<string> files, bool light)
    {
        _fromFiles = files.Select(Read).ToList();
        _light = light;
    }

    public bool AreFromFiles => _fromFiles.Count > 0;

    /// <summary>The passphrase of the holder at <paramref name="place"/> (from 0): the file of that place, or the last one.</summary>
    public NewPassphrase ForNewKey(int place, string holder)
    {
        var text = AreFromFiles ? _fromFiles[Math.Min(place, _fromFiles.Count - 1)] : AskTwice(holder);
        return _light ? NewPassphrase.Light(text) : NewPassphrase.Usual(text);
    }

    private static string AskTwice(string holder)
    {

        while (true)
        {
            var first = Ask($"A new passphrase for {holder}: ");
            if (first.Length < MinLength) Console.Error.WriteLine($"At least {MinLength} characters, please.");
            else if (Ask("The same once more: ") == first) return first;
            else Console.Error.WriteLine("The two differ. Again, please.");
        }
    }

    public IEnumerable<string> ForOpening(string holder, string role)
    {
        if (AreFromFiles) return _fromFiles;

        return [Ask($"Passphrase of {holder} for the {role} key (empty to leave this key out): ")];
    }

    private static string Read(string file)
    {
        try
        {
            var text = File.ReadAllText(file).TrimEnd('\r', '\n');
            return text.Length >= MinLength ? text : throw new MakerException($"The passphrase in {file} is shorter than {MinLength} characters.");
        }
        catch (IOException failure)
        {
            throw new MakerException($"The passphrase file {file} cannot be read: {failure.Message}");
        }
    }

    private static string Ask(string question)
    {
        if (Console.IsInputRedirected) throw new MakerException("There is no terminal to type a passphrase at. Use --passphrase-file.");

        Console.Error.Write(question);
        var text = new System.Text.StringBuilder();
        for (var key = Console.ReadKey(intercept: true); key.Key != ConsoleKey.Enter; key = Console.ReadKey(intercept: true))
        {
            if (key.Key == ConsoleKey.Backspace && text.Length > 0) text.Length--;
            else if (!char.IsControl(key.KeyChar)) text.Append(key.KeyChar);
        }

        Console.Error.WriteLine();
        return text.ToString();
    }
}
