using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gatehouse.Console.Control;
using Spectre.Console;

namespace Gatehouse.Commands;

/// <summary>What the program tells its caller by its exit code. Scripts rely on these numbers.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>It was understood and asked for, and could not be done.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>No gateway answers.</summary>
    public const int NotRunning = 3;

    /// <summary>No Thing or question of that name, or several.</summary>
    public const int NotFound = 4;

    /// <summary>What each number says, for the manual.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> Meanings { get; } =
    [
        (Ok, "Done."),
        (Failed, "It was understood and could not be done."),
        (Usage, "The command line or the configuration is wrong."),
        (NotRunning, "No gateway answers."),
        (NotFound, "No device or question of that name, or several."),
    ];
}

/// <summary>A command with examples in its help.</summary>
internal class DescribedCommand(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; } = examples;
}

/// <summary>A command that asks the running gateway. A user's mistake ends in one sentence and an exit code, never in a stack trace.</summary>
internal sealed class ClientCommand : DescribedCommand
{
    private readonly Option<string> _run = new("--run")
    {
        Description = "The gateway's run folder.", HelpName = "DIR",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("GATEHOUSE_RUN") is { Length: > 0 } folder ? folder : "/run/gatehouse",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print JSON." };

    public ClientCommand(string name, string description, params string[] examples) : base(name, description, examples)
    {
        Options.Add(_run);
        Options.Add(_json);
    }

    /// <summary>Runs <paramref name="action"/> with a client and a place to print; its failures become exit codes.</summary>
    public ClientCommand Runs(Func<ParseResult, ControlClient, Printer, CancellationToken, Task<int>> action)
    {
        SetAction(async (parsed, cancellationToken) =>
        {
            using var client = new ControlClient(parsed.GetValue(_run)!);
            var printer = new Printer(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, parsed.GetValue(_json));
            try
            {
                return await action(parsed, client, printer, cancellationToken);
            }
            catch (GatewayNotRunningException failure)
            {
                return printer.Fail(new ActionReply("not-running", failure.Message, []), ExitCode.NotRunning);
            }
            catch (ControlRefusedException refused)
            {
                var code = refused.Reply.Outcome switch { "not-found" or "ambiguous" => ExitCode.NotFound, "bad-request" => ExitCode.Usage, _ => ExitCode.Failed };
                return printer.Fail(refused.Reply, code);
            }
            catch (Exception failure) when (failure is JsonException or HttpRequestException or IOException)
            {
                return printer.Fail(new ActionReply("failed", $"The gateway's answer broke off: {failure.Message}", []), ExitCode.Failed);
            }
            catch (OperationCanceledException)
            {
                return ExitCode.Failed;
            }
        });
        return this;
    }

    /// <summary>Runs one action and prints its sentence.</summary>
    public ClientCommand Acts(string action, Func<ParseResult, ActionRequest> request) => Runs(async (parsed, client, printer, cancellationToken) =>
        printer.Say(await client.ActAsync(action, request(parsed), cancellationToken)));
}

/// <summary>Prints for people or, with <c>--json</c>, for programs.</summary>
internal sealed class Printer(TextWriter output, TextWriter error, bool json)
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public bool Json => json;

    /// <summary>Columns of a table that goes to a file or a pipe: nothing is wrapped there, so that <c>grep</c> finds whole lines.</summary>
    private const int PipeWidth = 400;

    private readonly IAnsiConsole _console = MakeConsole(output);

    /// <summary>A table; cells are plain text, never markup.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var table = new Table { Border = TableBorder.None, ShowRowSeparators = false }.HideFooters();
        foreach (var column in columns) table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold))) { Padding = new Padding(0, 0, 2, 0) });
        foreach (var row in rows) table.AddRow(row.Select(cell => new Text(Clean(cell))));
        _console.Write(table);
    }

    public void Line(string text = "") => output.WriteLine(Clean(text));

    public void Write<T>(T value, JsonTypeInfo<T> type)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Indented)) JsonSerializer.Serialize(writer, value, type);
        output.WriteLine(System.Text.Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length));
    }

    private static IAnsiConsole MakeConsole(TextWriter output)
    {
        if (output == System.Console.Out && !System.Console.IsOutputRedirected) return AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });

        var plain = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) });
        plain.Profile.Width = PipeWidth;
        return plain;
    }

    public int Say(ActionReply reply)
    {
        if (json) Write(reply, ControlJson.Default.ActionReply);
        else Line(reply.Sentence);
        return ExitCode.Ok;
    }

    public int Fail(ActionReply reply, int code)
    {
        if (json) Write(reply, ControlJson.Default.ActionReply);
        error.WriteLine("gatehouse: " + Clean(reply.Sentence));
        foreach (var candidate in reply.Candidates) error.WriteLine("  " + Clean(candidate));
        return code;
    }

    /// <summary>A Thing's text must not steer the owner's terminal: control and direction characters become a question mark.</summary>
    internal static string Clean(string text) => string.Create(text.Length, text, (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = source[i] != '\n' && (char.IsControl(source[i]) || char.GetUnicodeCategory(source[i]) == System.Globalization.UnicodeCategory.Format) ? '?' : source[i];
    });
}
