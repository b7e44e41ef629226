using System.CommandLine;
using System.Text;

namespace Gatehouse.Commands;

/// <summary>
/// A file with a command's options: one <c>name = value</c> per line, where the name is the long option's without its dashes. Lines that
/// begin with <c>#</c> or <c>;</c> are comments. Every fault is reported with its line; a file with a fault has no effect at all.
/// </summary>
internal sealed class ConfigurationFile
{
    /// <summary>A configuration is written by hand; a longer file is a mistake in its name.</summary>
    public const int MaxBytes = 64 * 1024;

    private readonly string _path;
    private readonly Dictionary<Option, int> _lines = [];
    private readonly List<string> _arguments = [];
    private readonly List<string> _faults = [];

    private ConfigurationFile(string path) => _path = path;

    /// <summary>No file: nothing said, nothing wrong.</summary>
    public static ConfigurationFile None { get; } = new("");

    /// <summary>The options of the file as the command line would say them.</summary>
    public IReadOnlyList<string> Arguments => _arguments;

    /// <summary>Everything that is wrong with the lines, each with its place.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>The options of <paramref name="command"/> that may stand in a file.</summary>
    public static IEnumerable<Option> Settings(Command command) => command.Options.Where(option => !option.Hidden && option.Name is not ("--config" or "--check" or "--help"));

    /// <summary>The word for <paramref name="option"/> in a file.</summary>
    public static string NameOf(Option option) => option.Name.TrimStart('-');

    /// <summary>Reads the file at <paramref name="path"/> for <paramref name="command"/>; what goes wrong is in <see cref="Faults"/>.</summary>
    public static ConfigurationFile Read(string path, Command command)
    {
        try
        {
            using var file = File.OpenRead(path);
            // Not by its length: a device or a pipe has none.
            var bytes = new byte[MaxBytes + 1];
            var count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count <= MaxBytes) return Parse(path, Encoding.UTF8.GetString(bytes, 0, count), command);

            return Refused(path, $"longer than {MaxBytes / 1024} KiB; this is not a configuration.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Refused(path, $"cannot be read: {failure.Message}");
        }
    }

    /// <summary>Reads <paramref name="text"/>, which stood in the file at <paramref name="path"/>.</summary>
    public static ConfigurationFile Parse(string path, string text, Command command)
    {
        var settings = Settings(command).ToDictionary(NameOf);
        var file = new ConfigurationFile(path);
        var number = 0;
        foreach (var line in text.EnumerateLines())
        {
            number++;
            if (line.Trim() is not [not ('#' or ';'), ..] setting) continue;
            if (file.ReadSetting(number, setting.ToString(), settings) is { } fault) file._faults.Add($"{path}:{number}: {fault}");
        }

        return file;
    }

    /// <summary>Where <paramref name="option"/> got its value: a line of the file, or the command line.</summary>
    public string PlaceOf(Option option) => _lines.TryGetValue(option, out var line) ? $"{_path}:{line}: {NameOf(option)}" : option.Name;

    private static ConfigurationFile Refused(string path, string why)
    {
        var file = new ConfigurationFile(path);
        file._faults.Add($"{path}: {why}");
        return file;
    }

    /// <returns>What is wrong with the line, or null.</returns>
    private string? ReadSetting(int number, string line, Dictionary<string, Option> settings)
    {
        if (line.Split('=', 2, StringSplitOptions.TrimEntries) is not [var name, var value]) return $"'{line}' is not 'name = value'.";
        if (!settings.TryGetValue(name, out var option)) return $"there is no setting '{name}'. There are: {string.Join(", ", settings.Keys.Order(StringComparer.Ordinal))}.";
        if (value.Length == 0) return $"'{name}' has no value; give it one, or put # before the line.";
        if (!_lines.TryAdd(option, number) && option.Arity.MaximumNumberOfValues <= 1) return $"'{name}' stands in line {_lines[option]} already.";
        if (option is Option<bool>)
        {
            if (value is not ("yes" or "no")) return $"'{name}' is yes or no, not '{value}'.";
            value = value == "yes" ? "true" : "false";
        }

        // One word with its option, so that a value that begins with a dash stays a value.
        _arguments.Add($"{option.Name}={value}");
        return null;
    }
}
