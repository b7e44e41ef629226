using System.CommandLine;
using System.Globalization;
using Gatehouse.Console.Control;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse allow</c>: OK to a question, or a way out for a device without one.</summary>
internal static class AllowCommand
{
    public static Command Create()
    {
        var subject = Arguments.QuestionOrThing();
        var name = Arguments.Name();
        var ports = new Option<string[]>("--port") { Description = "A port to open, as tcp/443 (may be repeated). Without: web, QUIC and MQTT over TLS.", HelpName = "PORT" };
        var command = new ClientCommand("allow", "Say OK to a question, or let a device reach a name.",
            "gatehouse allow 12", "gatehouse allow plug cloud.example", "gatehouse allow plug cloud.example --port tcp/8883").Acts("allow", parsed =>
        {
            var request = Subject(parsed.GetRequiredValue(subject), parsed.GetValue(name));
            return request with { Ports = [.. parsed.GetValue(ports) ?? []] };
        });
        command.Arguments.Add(subject);
        command.Arguments.Add(name);
        command.Options.Add(ports);
        return command;
    }

    /// <summary>A number alone is a question; anything with a name after it is a Thing.</summary>
    internal static ActionRequest Subject(string subject, string? name) =>
        name is null && long.TryParse(subject, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? new ActionRequest { Question = id }
            : new ActionRequest { Thing = subject, Name = name };
}
