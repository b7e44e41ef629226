// Makes discovery.txt from Home Assistant's discovery tables, kept as JSON:
//     dotnet run packs/home-assistant/build.cs -- FOLDER packs/home-assistant/discovery.txt
// One line for each rule: the integration's name, then its conditions, all of which must hold: source=pattern, parted by tabs. In a pattern * stands
// for anything and [abc] for one of these.
#:property RestorePackagesWithLockFile=false
#:property PublishAot=false
using System.Text.Json;

var (folder, output) = (args[0], args[1]);
var names = Read("domains").EnumerateObject().ToDictionary(domain => domain.Name, domain => domain.Value.GetProperty("name").GetString());

// Programs that run on computers, and protocols that makers share: they name no maker.
HashSet<string> shared =
[
    "apple_tv", "cast", "dlna_dmr", "dlna_dms", "homekit", "homekit_controller", "upnp", "ipp", "thread", "matter", "androidtv_remote", "system_bridge", "kodi",
    "forked_daapd", "plex", "jellyfin", "spotify", "samsungtv", "octoprint", "esphome", "zha", "otbr", "bosch_shc", "nut", "openhome", "volumio", "music_assistant", "linkplay",
];
// Host names that a module's own firmware gives: any maker's device may be built around it.
string[] modules = ["hf-lpb", "lpb", "esp", "zengge", "[hba]"];
Dictionary<string, string> ssdpSources = new()
{
    ["st"] = "SSDP ST", ["manufacturer"] = "UPnP manufacturer", ["modelName"] = "UPnP modelName", ["deviceType"] = "UPnP deviceType", ["modelNumber"] = "UPnP modelNumber",
};

var rows = new SortedSet<string>(StringComparer.Ordinal);
foreach (var row in Read("dhcp").EnumerateArray()) Add(Text(row, "domain"), [("DHCP option 12", Text(row, "hostname")), ("MAC", Text(row, "macaddress"))]);
foreach (var domain in Read("ssdp").EnumerateObject())
{
    foreach (var row in domain.Value.EnumerateArray())
    {
        if (row.EnumerateObject().All(condition => ssdpSources.ContainsKey(condition.Name)))
            Add(domain.Name, [.. row.EnumerateObject().Select(condition => (ssdpSources[condition.Name], condition.Value.GetString()))]);
    }
}

var zeroconf = Read("zeroconf");
foreach (var type in zeroconf.GetProperty("ZEROCONF").EnumerateObject())
{
    foreach (var row in type.Value.EnumerateArray())
    {
        List<(string, string?)> conditions = [("mDNS service", type.Name.Replace(".local.", "", StringComparison.Ordinal)), ("mDNS instance", Text(row, "name"))];
        if (row.TryGetProperty("properties", out var properties)) conditions.AddRange(properties.EnumerateObject().Select(property => ($"mDNS TXT {property.Name.ToLowerInvariant()}", property.Value.GetString())));
        Add(Text(row, "domain"), [.. conditions]);
    }
}

// Home Assistant compares the whole model, or its part before the first blank or hyphen.
foreach (var model in zeroconf.GetProperty("HOMEKIT").EnumerateObject())
{
    foreach (var ending in model.Name.EndsWith('*') ? [""] : (string[])["", " *", "-*"])
        Add(Text(model.Value, "domain"), [("mDNS service", "_hap._tcp"), ("mDNS TXT md", model.Name + ending)]);
}

File.WriteAllLines(output, rows);
Console.WriteLine($"{rows.Count} rules");

JsonElement Read(string name) => JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, name + ".json"))).RootElement;

string? Text(JsonElement row, string name) => row.TryGetProperty(name, out var value) ? value.GetString() : null;

void Add(string? domain, (string Source, string? Pattern)[] conditions)
{
    var given = conditions.Where(condition => condition.Pattern is not null).ToList();
    // A service type alone names a maker only where the type is the maker's own; those with a generic type have a further condition.
    if (given.Any(condition => condition.Source == "DHCP option 12" && modules.Any(module => condition.Pattern!.StartsWith(module, StringComparison.OrdinalIgnoreCase)))) return;
    if (domain is null || shared.Contains(domain) || given.Count == 0 || given is [("mDNS service", "_http._tcp" or "_hap._tcp" or "_api._udp")]) return;
    if (names.GetValueOrDefault(domain) is { } name) rows.Add(string.Join('\t', given.Select(condition => $"{condition.Source}={condition.Pattern}").Prepend(name)));
}
