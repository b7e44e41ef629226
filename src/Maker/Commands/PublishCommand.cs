using System.CommandLine;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Repository;

namespace Gatehouse.Maker.Commands;

/// <summary>Finishes what is staged and writes the folder that a web server or CDN serves.</summary>
internal static class PublishCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The folder to serve: metadata/ and targets/ in it." };
        var command = new Command("publish", "Publish the repository to a folder that any web server or CDN serves.") { folder };
        command.Run((parsed, output) =>
        {
            var repository = parsed.OpenRepository();
            var finished = Publishing.Finish(repository);
            var copied = Publishing.CopyTo(repository, parsed.GetValue(folder)!);
            output.Set("published", new JsonArray(finished.Select(f => (JsonNode)f).ToArray()));
            output.Set("files", copied);
            output.Say($"Published {(finished.Count == 0 ? "a new timestamp" : string.Join(", ", finished))}: {copied} files written to {parsed.GetValue(folder)}.");
        });
        return command;
    }
}

/// <summary>What the timer runs: a new timestamp, and a new snapshot when its date is near. Needs the online keys only.</summary>
internal static class RefreshCommand
{
    public static Command Create()
    {
        var folder = new Argument<string?>("DIR") { Description = "The served folder to bring up to date as well.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("refresh", "Sign a new timestamp (and snapshot when due) with the online keys. For a timer.") { folder };
        command.Run((parsed, output) =>
        {
            var repository = parsed.OpenRepository();
            Publishing.Refresh(repository, []);
            if (parsed.GetValue(folder) is { } served) Publishing.CopyTo(repository, served);

            var timestamp = repository.Timestamp()!;
            output.Set("timestamp", timestamp.Version);
            output.Set("expires", timestamp.Expires.ToString("O"));
            output.Say($"Timestamp version {timestamp.Version} is valid until {timestamp.Expires:yyyy-MM-dd HH:mm} UTC.");
        });
        return command;
    }
}
