using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Gatehouse.Commands;

/// <summary>The commands that ask a running gateway, one line each.</summary>
internal static class ClientCommands
{
    public static IEnumerable<Command> All() =>
    [
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
    ];

    /// <summary>Makes <c>--help</c> of <paramref name="root"/> and all below it print the commands' examples.</summary>
    public static void ShowExamples(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().First();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
    }

    private sealed class HelpWithExamples(HelpAction plain) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var code = plain.Invoke(parseResult);
            if (parseResult.CommandResult.Command is not DescribedCommand { Examples.Count: > 0 } command) return code;

            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var example in command.Examples) output.WriteLine("  " + example);
            output.WriteLine();
            return code;
        }
    }
}
