using System.CommandLine;
using System.Globalization;
using System.Net;
using Gatehouse.Fence.Kernel;
using Gatehouse.Home.Storage;
using Gatehouse.Mend;
using Gatehouse.Wire;
using Microsoft.Data.Sqlite;

namespace Gatehouse.Commands;

/// <summary><c>gatehouse up</c>: brings the gateway up and guards the LAN until it is told to stop.</summary>
internal static class UpCommand
{
    public static Command Create()
    {
        var lan = new Option<string>("--lan") { Description = "The interface the Things are on (a bridge, where Things shall not reach each other).", Required = true, HelpName = "IF" };
        var wan = new Option<string>("--wan") { Description = "The interface towards the Internet.", Required = true, HelpName = "IF" };
        var address = new Option<string>("--lan-address") { Description = "The gateway's address on the LAN with its prefix length.", DefaultValueFactory = _ => "192.168.77.1/24", HelpName = "ADDRESS/LENGTH" };
        var state = new Option<string>("--state") { Description = "Where the record, trusted metadata and kept firmware are.", DefaultValueFactory = _ => "/var/lib/gatehouse", HelpName = "DIR" };
        var run = new Option<string>("--run") { Description = "Where the sockets are, and what 'down' puts back.", DefaultValueFactory = _ => "/run/gatehouse", HelpName = "DIR" };
        var upstream = new Option<string?>("--upstream") { Description = "The DNS server that answers for the Internet (default: the first of /etc/resolv.conf).", HelpName = "ADDRESS[:PORT]" };
        var packs = new Option<string[]>("--packs") { Description = "A folder with packs, besides those shipped; may be given again.", HelpName = "DIR", DefaultValueFactory = _ => [] };
        var trustMap = new Option<string?>("--trust-map") { Description = "Which repositories may bring firmware to which models.", HelpName = "FILE" };
        var watchOnly = new Option<bool>("--watch-only") { Description = "Only watch and record; block nothing. An existing home starts like this." };
        var noWatch = new Option<bool>("--no-watch") { Description = "Leave detection off, to see what the fence alone does." };
        var webhook = new Option<string?>("--webhook") { Description = "Where questions and findings are posted to, as JSON.", HelpName = "URL" };

        var command = new Command("up", "Brings the gateway up: rules, addresses, names and time for the LAN, and guards it until it is stopped.")
        {
            lan, wan, address, state, run, upstream, packs, trustMap, watchOnly, noWatch, webhook,
        };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var faults = new List<string>();
            var options = new GatewayOptions
            {
                Lan = parse.GetRequiredValue(lan),
                Wan = parse.GetRequiredValue(wan),
                LanAddress = ReadNetwork(parse.GetRequiredValue(address), faults, out var length),
                LanPrefixLength = length,
                StateFolder = Path.GetFullPath(parse.GetRequiredValue(state)),
                RunFolder = Path.GetFullPath(parse.GetRequiredValue(run)),
                Upstream = ReadUpstream(parse.GetValue(upstream), faults),
                PackFolders = [.. parse.GetRequiredValue(packs)],
                TrustMap = parse.GetValue(trustMap),
                WatchOnly = parse.GetValue(watchOnly),
                Watch = !parse.GetValue(noWatch),
                Webhook = ReadWebhook(parse.GetValue(webhook), faults),
            };
            faults.AddRange(Check(options));
            if (faults.Count > 0)
            {
                foreach (var fault in faults) await System.Console.Error.WriteLineAsync($"gatehouse up: {fault}");
                return 2;
            }

            try
            {
                return await Gateway.RunAsync(options, cancellationToken);
            }
            catch (Exception failure) when (IsTheUsersToMend(failure))
            {
                await System.Console.Error.WriteLineAsync($"gatehouse up: {failure.Message}");
                return 1;
            }
        });
        return command;
    }

    /// <summary>What a person can do something about is said in one line; anything else is our mistake and keeps its stack trace.</summary>
    private static bool IsTheUsersToMend(Exception failure) =>
        failure is NftablesException or PacketRingException or TrustMapException or RecordTooNewException or IOException or UnauthorizedAccessException or SqliteException;

    private static IEnumerable<string> Check(GatewayOptions options)
    {
        foreach (var (name, value) in new[] { ("--lan", options.Lan), ("--wan", options.Wan) })
        {
            if (!Directory.Exists(Path.Combine("/sys/class/net", Path.GetFileName(value)))) yield return $"{name}: there is no interface '{value}' here. 'ip link' lists them.";
        }

        if (options.Lan == options.Wan) yield return "--lan and --wan name the same interface; the gateway stands between two.";
        if (options.TrustMap is { } map && !File.Exists(map)) yield return $"--trust-map: there is no file '{map}'.";
        foreach (var folder in options.PackFolders)
        {
            if (!Directory.Exists(folder)) yield return $"--packs: there is no folder '{folder}'.";
        }
    }

    private static IPAddress ReadNetwork(string text, List<string> faults, out int length)
    {
        length = 24;
        var parts = text.Split('/');
        if (parts.Length == 2 && IPAddress.TryParse(parts[0], out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out length) && length is >= 8 and <= 30) return address;

        faults.Add($"--lan-address: '{text}' is not an IPv4 address with a prefix length of 8 to 30, like 192.168.77.1/24.");
        return IPAddress.Any;
    }

    private static IPEndPoint? ReadUpstream(string? text, List<string> faults)
    {
        if (text is null) return null;
        if (IPEndPoint.TryParse(text, out var endPoint)) return endPoint.Port == 0 ? new IPEndPoint(endPoint.Address, 53) : endPoint;

        faults.Add($"--upstream: '{text}' is not an address like 9.9.9.9 or 9.9.9.9:53.");
        return null;
    }

    private static Uri? ReadWebhook(string? text, List<string> faults)
    {
        if (text is null) return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https") return uri;

        faults.Add($"--webhook: '{text}' is not an http or https address.");
        return null;
    }
}
