using System.CommandLine;
using System.Globalization;

namespace Gatehouse.Commands.Documents;

/// <summary>Manual pages from the command line's own definitions, so that they cannot tell another story than <c>--help</c>.</summary>
internal sealed class Manual(RootCommand root, string version)
{
    /// <summary>The commands that have a page.</summary>
    public static IEnumerable<Command> Commands(RootCommand root) => root.Subcommands.Where(command => !command.Hidden);

    /// <summary><c>gatehouse(8)</c>.</summary>
    public string Overview()
    {
        var page = Begin("gatehouse", "8", root.Description!);
        page.Section("SYNOPSIS").Paragraph(Roff.Bold("gatehouse"), Roff.Italic("COMMAND"), Roff.Text("[OPTION]…"));
        page.Section("COMMANDS");
        foreach (var command in Commands(root)) page.Item([Roff.Reference($"gatehouse-{command.Name}", "8")], command.Description!);
        page.Section("OPTIONS");
        foreach (var option in Shown(root)) page.Item(Words(option), Sentence(option));
        AddExitStatus(page);
        page.Section("FILES");
        page.Item([Roff.Italic("/etc/gatehouse/gatehouse.conf")], "The configuration of the system's gateway.");
        page.Item([Roff.Italic("/var/lib/gatehouse")], "The record, trusted metadata and kept firmware.");
        page.Item([Roff.Italic("/run/gatehouse")], "The sockets, and what the network was before.");
        page.Item([Roff.Italic("/usr/share/gatehouse/packs")], "What is known of models.");
        page.Section("SEE ALSO").Paragraph([.. Commands(root).Select(command => Roff.Reference($"gatehouse-{command.Name}", "8")), Roff.Reference("gatehouse.conf", "5")]);
        return page.ToString();
    }

    /// <summary>The page of one command.</summary>
    public string Page(Command command)
    {
        var page = Begin($"gatehouse-{command.Name}", "8", command.Description!);
        page.Section("SYNOPSIS").Paragraph([Roff.Bold("gatehouse"), Roff.Bold(command.Name), Roff.Text("[OPTION]…"), .. command.Arguments.Where(argument => !argument.Hidden).Select(Word)]);
        page.Section("DESCRIPTION").Paragraph(Roff.Text(command.Description!));
        if (command.Arguments.Count > 0) page.Section("ARGUMENTS");
        foreach (var argument in command.Arguments.Where(argument => !argument.Hidden)) page.Item([Roff.Italic(argument.Name)], argument.Description ?? "");

        page.Section("OPTIONS");
        foreach (var option in Shown(command).Concat(root.Options.Where(option => option.Recursive))) page.Item(Words(option), Sentence(option));
        AddExitStatus(page);
        if (command is DescribedCommand { Examples.Count: > 0 } described)
        {
            page.Section("EXAMPLES");
            foreach (var example in described.Examples) page.Example(example);
        }

        page.Section("SEE ALSO").Paragraph(Roff.Reference("gatehouse", "8"), Roff.Reference("gatehouse.conf", "5"));
        return page.ToString();
    }

    /// <summary><c>gatehouse.conf(5)</c>: the options of <paramref name="up"/> as a file says them.</summary>
    public string Configuration(Command up)
    {
        var page = Begin("gatehouse.conf", "5", "the configuration of the gateway");
        page.Section("DESCRIPTION").Paragraph(Roff.Text(
            "One setting per line, as 'name = value'. A line that begins with # or ; is a comment. A setting that is not there has its default. "
            + "All faults of a file are reported together, each with its line, and a file with a fault changes nothing. What the command line says wins."));
        page.Section("SETTINGS");
        foreach (var option in ConfigurationFile.Settings(up))
        {
            page.Item([Roff.Bold(ConfigurationFile.NameOf(option)), Roff.Text("="), option is Option<bool> ? Roff.Text("yes|no") : Roff.Italic(option.HelpName ?? "VALUE")], Sentence(option));
        }

        page.Section("EXAMPLES");
        page.Example("gatehouse up --config /etc/gatehouse/gatehouse.conf --check");
        page.Section("SEE ALSO").Paragraph(Roff.Reference("gatehouse", "8"), Roff.Reference("gatehouse-up", "8"));
        return page.ToString();
    }

    private Roff Begin(string name, string section, string description)
    {
        var page = new Roff(name, section, version);
        var brief = description.TrimEnd('.');
        page.Section("NAME").Paragraph(Roff.Text(name), Roff.Text("-"), Roff.Text(char.ToLowerInvariant(brief[0]) + brief[1..]));
        return page;
    }

    private static void AddExitStatus(Roff page)
    {
        page.Section("EXIT STATUS");
        foreach (var (code, meaning) in ExitCode.Meanings) page.Item([Roff.Bold(code.ToString(CultureInfo.InvariantCulture))], meaning);
    }

    // The help option's forms of other systems (-?, /h) are understood, but nobody needs to read about them.
    private static IEnumerable<Option> Shown(Command command) => command.Options.Where(option => !option.Hidden);

    private static string Word(Argument argument)
    {
        var repeated = argument.Arity.MaximumNumberOfValues > 1 ? Roff.Text("…") : "";
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{Roff.Italic(argument.Name)}]{repeated}" : Roff.Italic(argument.Name) + repeated;
    }

    private static List<string> Words(Option option)
    {
        var names = option.Aliases.Append(option.Name).Where(name => name.StartsWith('-') && name != "-?").Order(StringComparer.Ordinal).Reverse();
        var words = names.Select(Roff.Bold).ToList();
        for (var i = 0; i < words.Count - 1; i++) words[i] += ",";
        if (option.Arity.MaximumNumberOfValues > 0 && option is not Option<bool> && option.HelpName is { } value) words.Add(Roff.Italic(value));
        return words;
    }

    private static string Sentence(Option option)
    {
        var text = option.Description ?? "";
        return DefaultConfiguration.DefaultOf(option) is { } value ? $"{text} Default: {value}." : text;
    }
}
