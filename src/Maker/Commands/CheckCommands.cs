using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Repository;
using Gatehouse.Trust;

namespace Gatehouse.Maker.Commands;

/// <summary>Plays a client against a published folder: the metadata, and every image it lists.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The published folder." };
        var root = new Option<string?>("--root") { Description = "The root that clients trust; the folder's 1.root.json where not given." };
        var command = new Command("verify", "Check a published folder as a client would, image by image.") { folder, root };
        command.Run((parsed, output) =>
        {
            var images = Rehearsal.RunAsync(parsed.GetValue(folder)!, parsed.GetValue(root), parsed.Clock(), withImages: true).GetAwaiter().GetResult();
            output.Set("targets", new JsonArray(images.Select(i => (JsonNode)i).ToArray()));
            output.Say($"A client accepts this folder and {images.Count} target(s) in it.");
        });
        return command;
    }
}

/// <summary>A client made for the occasion, which leaves nothing behind.</summary>
internal static class Rehearsal
{
    public static async Task<IReadOnlyList<string>> RunAsync(string folder, string? rootFile, TimeProvider clock, bool withImages)
    {
        var scratch = Directory.CreateTempSubdirectory("gatehouse-maker-");
        try
        {
            var root = await File.ReadAllBytesAsync(rootFile ?? Path.Combine(folder, "metadata", "1.root.json")).ConfigureAwait(false);
            var client = TufRepository.Open("rehearsal", Path.Combine(scratch.FullName, "metadata"), root, new FolderTransport(folder), clock);
            await client.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
            var paths = new List<string>();
            foreach (var target in withImages ? client.Targets : [])
            {
                paths.Add(target.Path);
                // What may not be passed on lies with its maker, not here.
                if (target.Custom?.TryGetProperty("origin", out var origin) == true && origin.TryGetProperty("redistribution", out var terms) && terms.GetString() == "hash-and-url") continue;

                var image = await client.DownloadAsync(target, Path.Combine(scratch.FullName, "images"), CancellationToken.None).ConfigureAwait(false);
                File.Delete(image.Path);
            }

            return paths;
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }
}

/// <summary>Says what a client would say now and in 30 days, and what to do about it.</summary>
internal static class DoctorCommand
{
    private static readonly TimeSpan Ahead = TimeSpan.FromDays(30);

    public static Command Create()
    {
        var folder = new Argument<string?>("DIR") { Description = "The published folder; the working folder where not given.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("doctor", "What would a client say now and in 30 days, and what is to be done?") { folder };
        command.Run((parsed, output) =>
        {
            var repository = parsed.OpenRepository();
            var findings = new List<(string Problem, string Remedy)>();
            CheckClient(parsed.GetValue(folder) ?? repository.Folder, repository, findings, output);
            CheckDates(repository, findings);
            CheckKeys(repository, findings);
            foreach (var (problem, remedy) in findings) output.Say($"- {problem}\n    {remedy}");
            output.Set("findings", new JsonArray(findings.Select(f => (JsonNode)new JsonObject { ["problem"] = f.Problem, ["remedy"] = f.Remedy }).ToArray()));
            output.Say(findings.Count == 0 ? "All is well." : $"{findings.Count} thing(s) to look at.");
        });
        return command;
    }

    private static void CheckClient(string folder, MakerRepository repository, List<(string, string)> findings, Output output)
    {
        foreach (var (name, clock) in new[] { ("now", repository.Clock), ("in 30 days", new FixedTime(repository.Clock.GetUtcNow() + Ahead)) })
        {
            var verdict = "accepted";
            try
            {
                Rehearsal.RunAsync(folder, null, clock, withImages: false).GetAwaiter().GetResult();
            }
            catch (TrustException refused)
            {
                verdict = refused.Message;
                if (name == "now") findings.Add(($"A client refuses this now: {verdict}", "Devices get no updates until this is mended. Start with: gatehouse-maker refresh"));
            }

            output.Set(name == "now" ? "now" : "in30days", verdict);
            output.Say($"A client says {name}: {verdict}");
        }
    }

    private static void CheckDates(MakerRepository repository, List<(string, string)> findings)
    {
        var now = repository.Clock.GetUtcNow();
        foreach (var (role, document) in new[] { ("root", repository.Root()), ("targets", repository.Targets("targets")) })
        {
            if (document is null || document.Expires - now > Ahead) continue;

            findings.Add((
                string.Create(CultureInfo.InvariantCulture, $"{role} is valid only until {document.Expires:yyyy-MM-dd}."),
                $"Its holders must sign a new version: gatehouse-maker renew {role}, then sign and publish."));
        }

        if (repository.Timestamp() is { } timestamp && timestamp.Expires - now < TimeSpan.FromDays(repository.Settings.TimestampDays / 2))
        {
            findings.Add(("The timestamp runs out soon.", "Is the timer running? It calls: gatehouse-maker refresh DIR"));
        }
    }

    private static void CheckKeys(MakerRepository repository, List<(string, string)> findings)
    {
        var offline = MakerRepository.KeyFiles(repository.KeysFolder).Count();
        if (offline > 0) findings.Add(($"{offline} offline key file(s) lie beside the repository.", "Give them to their holders and delete them here: one break-in would take them all."));

        foreach (var role in new[] { "snapshot", "timestamp" })
        {
            var rule = RoleRule.Of(repository.DecidingRoot(), role);
            if (!MakerRepository.KeyFiles(repository.OnlineFolder).Any(h => rule.KeyIds.Contains(h.KeyId))) findings.Add(($"The online key of {role} is not here.", $"Put it into {repository.OnlineFolder}, or make a new one: gatehouse-maker rotate {role}"));
        }

        foreach (var role in new[] { "root", "targets" })
        {
            var rule = RoleRule.Of(repository.DecidingRoot(), role);
            if (rule.Threshold < 2) findings.Add(($"One key alone can sign {role}.", "Whoever steals it owns every device. Use at least two of three."));
            if (rule.Threshold == rule.KeyIds.Count) findings.Add(($"Every key of {role} is needed.", "One lost key ends all updates. Add one: gatehouse-maker rotate, or a new ceremony."));
        }

        if (repository.DecidingRoot().Signed["successor"] is null) findings.Add(("Nobody goes on when this maker is gone.", "Name a successor: gatehouse-maker successor name"));
        foreach (var role in repository.StagedRoles()) findings.Add(($"{role} is staged and not published.", "Sign it with gatehouse-maker sign, then gatehouse-maker publish DIR"));
    }
}

/// <summary>A new version of a role with nothing but a new date.</summary>
internal static class RenewCommand
{
    public static Command Create()
    {
        var role = new Argument<string>("ROLE") { Description = "root, targets or a delegated role." };
        var command = new Command("renew", "Stage a new version of a role with a new date.") { role };
        command.Run((parsed, output) =>
        {
            var repository = parsed.OpenRepository();
            var name = parsed.GetValue(role)!;
            var draft = repository.Draft(name);
            draft.Expires = repository.ExpiryOf(name);
            draft.Signatures.Clear();
            repository.Stage(name, draft);
            output.Set("version", draft.Version);
            output.Say($"{name} version {draft.Version} will be valid until {draft.Expires:yyyy-MM-dd}, once it is signed.");
        });
        return command;
    }
}
