using System.CommandLine;

namespace Gatehouse.Commands;

/// <summary>The command <c>gatehouse</c>: one line per command, written out by hand.</summary>
internal static class Root
{
    /// <returns>The exit code: 0 done, 1 failed, 2 wrong use, 3 the gateway does not run (or, for <c>replay</c>, damaged input).</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var root = new RootCommand("Keeps the Things on a network patched and harmless.")
        {
            UpCommand.Create(),
        };

        var result = root.Parse(arguments);
        if (result.Errors.Count > 0 && result.Action is not System.CommandLine.Help.HelpAction)
        {
            foreach (var error in result.Errors) await System.Console.Error.WriteLineAsync($"gatehouse: {error.Message}");
            await System.Console.Error.WriteLineAsync("Try 'gatehouse --help' or 'gatehouse COMMAND --help'.");
            return 2;
        }

        return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }
}
