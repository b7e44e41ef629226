using System.CommandLine;
using System.Text.Json.Nodes;
using Gatehouse.Maker.Keys;
using Gatehouse.Maker.Repository;

namespace Gatehouse.Maker.Commands;

/// <summary>Lets another role speak for some paths: a product team, a contractor, the reviewers of one model.</summary>
internal static class DelegateCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("ROLE") { Description = "The new role's name." };
        var paths = new Option<string[]>("--paths") { Description = "What it may speak for: lamp/* lamp/*/*", AllowMultipleArgumentsPerToken = true, Required = true };
        var holders = new Option<string[]>("--holder") { Description = "Who holds its keys. Once per person.", AllowMultipleArgumentsPerToken = true, Required = true };
        var threshold = new Option<int>("--threshold") { Description = "How many of them must sign.", DefaultValueFactory = _ => 1 };
        var from = new Option<string>("--from") { Description = "The role that delegates.", DefaultValueFactory = _ => "targets" };
        var terminating = new Option<bool>("--terminating") { Description = "It has the last word on its paths." };
        var command = new Command("delegate", "Let another role speak for some paths.") { name, paths, holders, threshold, from, terminating };
        command.Run((parsed, output) => Delegate(
            parsed.OpenRepository(), parsed.GetValue(from)!, parsed.GetValue(name)!, parsed.GetValue(paths)!, parsed.GetValue(holders)!,
            parsed.GetValue(threshold), parsed.GetValue(terminating), parsed.Passphrases(), output));
        return command;
    }

    private static void Delegate(
        MakerRepository repository, string from, string name, string[] paths, string[] holders, int threshold, bool terminating, Passphrases passphrases, Output output)
    {
        if (name is "root" or "targets" or "snapshot" or "timestamp" || name.Length is 0 or > 60) throw new MakerException($"{name} cannot be a delegated role's name.");
        if (threshold < 1 || threshold > holders.Length) throw new MakerException($"A threshold of {threshold} does not fit {holders.Length} holder(s).");

        var delegator = repository.Draft(from);
        delegator.Signed["delegations"] ??= new JsonObject { ["keys"] = new JsonObject(), ["roles"] = new JsonArray() };
        var delegations = delegator.Signed["delegations"]!;
        if (delegations["roles"]!.AsArray().Any(r => r!["name"]!.GetValue<string>() == name)) throw new MakerException($"{from} delegates to {name} already.");

        var role = new JsonObject
        {
            ["name"] = name, ["keyids"] = new JsonArray(), ["threshold"] = threshold, ["terminating"] = terminating,
            ["paths"] = new JsonArray(paths.Select(p => (JsonNode)p).ToArray()),
        };
        for (var place = 0; place < holders.Length; place++)
        {
            using var key = MakerKey.Generate(holders[place]);
            RoleTable.Add(delegations["keys"]!.AsObject(), role, key);
            var file = Path.Combine(repository.KeysFolder, $"{MakerRepository.Encode(holders[place])}.{MakerRepository.Encode(name)}{KeyFile.Ending}");
            KeyFile.Write(file, key, name, passphrases.ForNewKey(place, holders[place]));
        }

        delegations["roles"]!.AsArray().Add((JsonNode)role);
        delegator.Signatures.Clear();
        repository.Stage(from, delegator);
        var document = MetadataDocument.Create("targets", repository.ExpiryOf(name));
        document.Signed["targets"] = new JsonObject();
        repository.Stage(name, document);

        output.Set("role", name);
        output.Say($"{name} may speak for {string.Join(' ', paths)} once {from} version {delegator.Version} and {name} version 1 are signed and published.");
    }
}
