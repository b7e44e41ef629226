using System.CommandLine;
using System.CommandLine.Completions;

namespace Gatehouse.Commands;

/// <summary>The command <c>gatehouse</c>: one line per command, written out by hand.</summary>
internal static class Root
{
    /// <returns>The exit code: 0 done, 1 failed, 2 wrong use, 3 the gateway does not run (or, for <c>replay</c>, damaged input), 4 no such Thing or question.</returns>
    public static Task<int> RunAsync(string[] arguments) => RunAsync(arguments, System.Console.Out, System.Console.Error);

    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter errors)
    {
        var root = Create();
        var result = root.Parse(arguments);
        // Completion is asked about a line that is being typed: unfinished, and so faulty, on purpose.
        var completes = root.Directives.OfType<SuggestDirective>().Any(directive => result.GetResult(directive) is not null);
        if (result.Errors.Count > 0 && !completes && result.Action is not HelpWithExamples)
        {
            foreach (var error in result.Errors) await errors.WriteLineAsync($"gatehouse: {error.Message}");
            await errors.WriteLineAsync("Try 'gatehouse --help' or 'gatehouse COMMAND --help'.");
            return ExitCode.Usage;
        }

        return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output, Error = errors });
    }

    /// <summary>Every command with its options: what is parsed, and what help, manual pages and completion are made from.</summary>
    public static RootCommand Create()
    {
        var root = new RootCommand("Keeps the Things on a network patched and harmless.")
        {
            UpCommand.Create(),
            DownCommand.Create(),
            ThingsCommand.Create(),
            ShowCommand.Create(),
            QuestionsCommand.Create(),
            AllowCommand.Create(),
            DenyCommand.Create(),
            UpdateCommand.Create(),
            QuarantineCommand.Create(),
            ReleaseCommand.Create(),
            PanicCommand.Create(),
            JournalCommand.Create(),
            CodeCommand.Create(),
            ReplayCommand.Create(),
            DocumentsCommand.Create(),
        };
        HelpWithExamples.AddTo(root);
        return root;
    }
}
