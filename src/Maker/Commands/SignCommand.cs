using System.CommandLine;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Keys;
using Gatehouse.Maker.Repository;

namespace Gatehouse.Maker.Commands;

/// <summary>Adds signatures to what is staged, after saying what it is.</summary>
internal static class SignCommand
{
    public static Command Create()
    {
        var keys = new Option<string[]>("--key") { Description = "A key file; those in keys/ where none is given.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
        var holder = new Option<string?>("--holder") { Description = "Use this holder's keys only." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask whether to sign." };
        var command = new Command("sign", "Sign what is staged.") { keys, holder, yes };
        command.Run((parsed, output) =>
        {
            var repository = parsed.OpenRepository();
            var given = parsed.GetValue(keys)!;
            var headers = (given.Length > 0 ? given.Select(KeyFile.ReadHeader) : MakerRepository.KeyFiles(repository.KeysFolder))
                .Where(h => parsed.GetValue(holder) is not { } wanted || h.Holder == wanted).ToList();
            Sign(repository, headers, parsed.Passphrases(), parsed.GetValue(yes), output);
        });
        return command;
    }

    internal static void Sign(MakerRepository repository, List<KeyFileHeader> headers, Passphrases passphrases, bool yes, Output output)
    {
        var roles = repository.StagedRoles();
        if (roles.Count == 0) throw new MakerException("Nothing is staged. Take an image in with: gatehouse-maker add");

        using var ring = new KeyRing(passphrases);
        var result = new JsonArray();
        foreach (var role in roles)
        {
            var document = repository.Staged(role)!;
            foreach (var line in Changes.Describe(repository, role, document)) output.Say(line);
            var rules = Signing.RulesFor(repository, role, document);
            var wanted = headers.Where(h => rules.Any(r => r.KeyIds.Contains(h.KeyId))).ToList();
            if (wanted.Count > 0 && !yes && !passphrases.AreFromFiles) Confirm(role);

            foreach (var header in wanted)
            {
                if (ring.Open(header) is not { } key) continue;

                document.Sign(key);
                output.Say($"  signed by {key.Holder} ({key.KeyId[..12]}…)");
            }

            repository.Stage(role, document);
            var missing = rules.Max(r => r.Missing(document));
            output.Say(missing == 0 ? $"  {role} version {document.Version} has all its signatures." : $"  {role} version {document.Version} still needs {missing}.");
            result.Add((JsonNode)new JsonObject { ["role"] = role, ["version"] = document.Version, ["missing"] = missing });
        }

        output.Set("staged", result);
    }

    private static void Confirm(string role)
    {
        if (Console.IsInputRedirected) throw new MakerException("Say --yes to sign without being asked.");

        Console.Error.Write($"Sign {role}? [y/N] ");
        if (Console.ReadLine()?.Trim() is not ("y" or "Y" or "yes")) throw new MakerException("Nothing was signed.");
    }
}
