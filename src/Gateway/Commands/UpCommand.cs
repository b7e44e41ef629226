using System.CommandLine;
using System.Globalization;
using System.Net;
using Gatehouse.Fence.Kernel;
using Gatehouse.Home;
using Gatehouse.Home.Storage;
using Gatehouse.Mend;
using Gatehouse.Wire;
using Microsoft.Data.Sqlite;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse up</c>: brings the gateway up and guards the LAN until it is told to stop.</summary>
internal static class UpCommand
{
    /// <summary>Something wrong with an option's value.</summary>
    /// <param name="MayPass">True where waiting may help: an interface can be plugged in. The caller may try again.</param>
    private sealed record Fault(Option Option, string Problem, bool MayPass = false);

    public static Command Create()
    {
        var lan = new Option<string>("--lan") { Description = "The interface the Things are on (a bridge, where Things shall not reach each other).", HelpName = "IF" };
        var wan = new Option<string>("--wan") { Description = "The interface towards the Internet.", HelpName = "IF" };
        var address = new Option<string>("--lan-address") { Description = "The gateway's address on the LAN with its prefix length.", DefaultValueFactory = _ => "192.168.77.1/24", HelpName = "ADDRESS/LENGTH" };
        var state = new Option<string>("--state") { Description = "Where the record, trusted metadata and kept firmware are.", DefaultValueFactory = _ => "/var/lib/gatehouse", HelpName = "DIR" };
        var run = new Option<string>("--run") { Description = "Where the sockets are, and what 'down' puts back.", DefaultValueFactory = _ => "/run/gatehouse", HelpName = "DIR" };
        var upstream = new Option<string?>("--upstream") { Description = "The DNS server that answers for the Internet (default: the first of /etc/resolv.conf).", HelpName = "ADDRESS[:PORT]" };
        var packs = new Option<string[]>("--packs") { Description = "A folder with packs, besides those shipped; may be given again.", HelpName = "DIR", DefaultValueFactory = _ => [] };
        var trustMap = new Option<string?>("--trust-map") { Description = "Which repositories may bring firmware to which models.", HelpName = "FILE" };
        var watchOnly = new Option<bool>("--watch-only") { Description = "Only watch and record; block nothing. An existing home starts like this; it stays so until --guard, or the console, says otherwise." };
        var guard = new Option<bool>("--guard") { Description = "Put the fence up (again), if it was only watching." };
        var noWatch = new Option<bool>("--no-watch") { Description = "Leave detection off, to see what the fence alone does." };
        var webhook = new Option<string?>("--webhook") { Description = "Where questions and findings are posted to, as JSON.", HelpName = "URL" };

        var config = new Option<string?>("--config") { Description = "A file with these options, one 'name = value' per line; what the command line says wins.", HelpName = "FILE" };
        var check = new Option<bool>("--check") { Description = "Only check the options and the configuration; change nothing." };

        var command = new DescribedCommand("up", "Brings the gateway up: rules, addresses, names and time for the LAN, and guards it until it is stopped.",
            "gatehouse up --lan br0 --wan eth0", "gatehouse up --config /etc/gatehouse/gatehouse.conf --check")
        {
            lan, wan, address, state, run, upstream, packs, trustMap, watchOnly, guard, noWatch, webhook, config, check,
        };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var file = parse.GetValue(config) is { } path ? ConfigurationFile.Read(path, command) : ConfigurationFile.None;
            var written = command.Parse([.. file.Arguments], new ParserConfiguration { ResponseFileTokenReplacer = null });
            T? Value<T>(Option<T> option) => (parse.GetResult(option) is { Implicit: false } ? parse : written).GetValue(option);

            var faults = new List<Fault>();
            var options = new GatewayOptions
            {
                Lan = Value(lan) ?? "",
                Wan = Value(wan) ?? "",
                LanAddress = ReadNetwork(address, Value(address)!, faults, out var length),
                LanPrefixLength = length,
                StateFolder = Path.GetFullPath(Value(state)!),
                RunFolder = Path.GetFullPath(Value(run)!),
                Upstream = ReadUpstream(upstream, Value(upstream), faults),
                PackFolders = [.. Value(packs)!],
                TrustMap = Value(trustMap),
                Mode = Value(watchOnly) ? GuardMode.Watching : Value(guard) ? GuardMode.Guarding : null,
                Watch = !Value(noWatch),
                Webhook = ReadWebhook(webhook, Value(webhook), faults),
            };
            if (Value(watchOnly) && Value(guard)) faults.Add(new(guard, "it and --watch-only exclude each other."));
            faults.AddRange(CheckInterfaces(lan, options.Lan, wan, options.Wan));
            if (options.TrustMap is { } map && !File.Exists(map)) faults.Add(new(trustMap, $"there is no file '{map}'."));
            faults.AddRange(options.PackFolders.Where(folder => !Directory.Exists(folder)).Select(folder => new Fault(packs, $"there is no folder '{folder}'.")));

            var errors = parse.InvocationConfiguration.Error;
            foreach (var fault in file.Faults) await errors.WriteLineAsync($"gatehouse up: {fault}");
            foreach (var fault in faults)
            {
                var place = parse.GetResult(fault.Option) is { Implicit: false } ? fault.Option.Name : file.PlaceOf(fault.Option);
                await errors.WriteLineAsync($"gatehouse up: {place}: {fault.Problem}");
            }

            if (file.Faults.Count > 0 || faults.Exists(fault => !fault.MayPass)) return ExitCode.Usage;
            if (faults.Count > 0) return ExitCode.Failed;
            if (parse.GetValue(check)) return ExitCode.Ok;

            try
            {
                return await Gateway.RunAsync(options, cancellationToken);
            }
            catch (Exception failure) when (IsTheUsersToMend(failure))
            {
                await errors.WriteLineAsync($"gatehouse up: {failure.Message}");
                return ExitCode.Failed;
            }
        });
        return command;
    }

    /// <summary>What a person can do something about is said in one line; anything else is our mistake and keeps its stack trace.</summary>
    private static bool IsTheUsersToMend(Exception failure) =>
        failure is NftablesException or PacketRingException or TrustMapException or RecordTooNewException or IOException or UnauthorizedAccessException or SqliteException;

    private static IEnumerable<Fault> CheckInterfaces(Option<string> lan, string lanName, Option<string> wan, string wanName)
    {
        foreach (var (option, name) in new[] { (lan, lanName), (wan, wanName) })
        {
            if (name.Length == 0) yield return new(option, $"which interface? {option.Description} 'ip link' lists them.");
            else if (!Directory.Exists(Path.Combine("/sys/class/net", Path.GetFileName(name)))) yield return new(option, $"there is no interface '{name}' here. 'ip link' lists them.", MayPass: true);
        }

        if (lanName.Length > 0 && lanName == wanName) yield return new(wan, "the LAN's interface is the same; the gateway stands between two.");
    }

    private static IPAddress ReadNetwork(Option option, string text, List<Fault> faults, out int length)
    {
        length = 24;
        var parts = text.Split('/');
        if (parts.Length == 2 && IPAddress.TryParse(parts[0], out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out length) && length is >= 8 and <= 30) return address;

        faults.Add(new(option, $"'{text}' is not an IPv4 address with a prefix length of 8 to 30, like 192.168.77.1/24."));
        return IPAddress.Any;
    }

    private static IPEndPoint? ReadUpstream(Option option, string? text, List<Fault> faults)
    {
        if (text is null) return null;
        if (IPEndPoint.TryParse(text, out var endPoint)) return endPoint.Port == 0 ? new IPEndPoint(endPoint.Address, 53) : endPoint;

        faults.Add(new(option, $"'{text}' is not an address like 9.9.9.9 or 9.9.9.9:53."));
        return null;
    }

    private static Uri? ReadWebhook(Option option, string? text, List<Fault> faults)
    {
        if (text is null) return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https") return uri;

        faults.Add(new(option, $"'{text}' is not an http or https address."));
        return null;
    }
}
