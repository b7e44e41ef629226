using System.CommandLine;
using System.Reflection;
using Gatehouse.Commands.Documents;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse documents</c>: writes what a package ships about the command line, from the same definitions that parse it. Hidden: packaging calls it.</summary>
internal static class DocumentsCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("FOLDER") { Description = "Where the files are written to." };
        var command = new Command("documents", "Write the manual pages and the default configuration.") { folder };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var target = parsed.GetRequiredValue(folder);
            Directory.CreateDirectory(target);
            foreach (var (name, text) in Files((RootCommand)parsed.RootCommandResult.Command)) await File.WriteAllTextAsync(Path.Combine(target, name), text, cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>Every document, by file name.</summary>
    internal static IEnumerable<(string Name, string Text)> Files(RootCommand root)
    {
        var manual = new Manual(root, Version());
        yield return ("gatehouse.8", manual.Overview());
        foreach (var command in Manual.Commands(root)) yield return ($"gatehouse-{command.Name}.8", manual.Page(command));

        var up = root.Subcommands.Single(command => command.Name == "up");
        yield return ("gatehouse.conf.5", manual.Configuration(up));
        yield return ("gatehouse.conf", DefaultConfiguration.For(up));
    }

    private static string Version() => Assembly.GetExecutingAssembly().GetName().Version is { } version ? version.ToString(3) : "0";
}
