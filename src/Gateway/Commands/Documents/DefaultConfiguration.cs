using System.Collections;
using System.CommandLine;
using System.Text;

namespace Gatehouse.Commands.Documents;

/// <summary>The configuration file a package ships: every setting with what it means and its default, as comments.</summary>
internal static class DefaultConfiguration
{
    private const int Width = 90;

    /// <summary>The file for <paramref name="command"/>'s options.</summary>
    public static string For(Command command)
    {
        var file = new StringBuilder("""
            # The gateway's configuration; gatehouse.conf(5) says more. Take the # away before a setting to change it.
            # Only the two interfaces must be said. To check the file, and then to start:
            #
            #   gatehouse up --config /etc/gatehouse/gatehouse.conf --check
            #   systemctl restart gatehouse

            """);
        foreach (var option in ConfigurationFile.Settings(command))
        {
            file.Append('\n');
            foreach (var line in Wrap(option.Description ?? "")) file.Append("# ").Append(line).Append('\n');
            var example = option is Option<bool> ? "no" : DefaultOf(option) ?? option.HelpName ?? "VALUE";
            file.Append('#').Append(ConfigurationFile.NameOf(option)).Append(" = ").Append(example).Append('\n');
        }

        return file.ToString();
    }

    /// <summary>An option's default in words, or null where it has none worth saying.</summary>
    public static string? DefaultOf(Option option) => option.HasDefaultValue && option is not Option<bool> && option.GetDefaultValue() is var value and not (null or IEnumerable and not string)
        ? value.ToString() : null;

    private static IEnumerable<string> Wrap(string text)
    {
        var line = "";
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > Width)
            {
                yield return line;
                line = "";
            }

            line += (line.Length == 0 ? "" : " ") + word;
        }

        if (line.Length > 0) yield return line;
    }
}
