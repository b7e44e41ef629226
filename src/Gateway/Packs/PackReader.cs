using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Gatehouse.Home;

namespace Gatehouse.Packs;

/// <summary>Turns a pack's JSON into a <see cref="Pack"/>, or into the list of everything that is wrong with it.</summary>
internal static class PackReader
{
    /// <summary>Longest file, in bytes: a family's facts fit in a hundredth of it.</summary>
    public const int MaxFileBytes = 256 * 1024;

    private static readonly JsonDocumentOptions _strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    public static Pack? ReadFile(string file, ImmutableArray<PackFault>.Builder faults)
    {
        try
        {
            using var stream = File.OpenRead(file);
            if (stream.Length <= MaxFileBytes) return Read(file, stream, faults);
            faults.Add(new(file, "$", $"the file has {stream.Length} bytes; a pack has at most {MaxFileBytes}"));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            faults.Add(new(file, "$", $"the file cannot be read: {unreadable.Message}"));
        }

        return null;
    }

    public static Pack? Read(string file, Stream json, ImmutableArray<PackFault>.Builder faults)
    {
        try
        {
            using var document = JsonDocument.Parse(json, _strict);
            var before = faults.Count;
            var pack = ReadPack(new PackNode(file, "$", document.RootElement, faults));
            return faults.Count == before ? pack : null;
        }
        catch (JsonException bad)
        {
            faults.Add(new(file, $"line {bad.LineNumber + 1}", $"this is not the JSON a pack is written in: {bad.Message}"));
            return null;
        }
        catch (InvalidOperationException bad)
        {
            // JsonElement says so only when a text is taken out: bytes that are no UTF-8, or half a surrogate pair.
            faults.Add(new(file, "$", $"a text in it is no Unicode: {bad.Message}"));
            return null;
        }
    }

    private static Pack ReadPack(PackNode root)
    {
        root.OnlyMembers(
            "$schema", "pack", "vendor", "model", "kind", "class", "safety", "recognise", "reach", "update", "health", "credentials", "rotate", "support", "sources");
        return new()
        {
            File = root.File,
            Id = root.Required("pack").Text(100, PackWords.IsPackId, "maker/family in lower-case letters, digits, '-' and '.'"),
            Vendor = root.Required("vendor").Text(100),
            Model = root.Optional("model")?.Text(100),
            Kind = root.Required("kind").Text(40),
            Class = root.Optional("class") is { } @class ? @class.OneOf(PackWords.Classes) : DeviceClass.Thing,
            IsSafetyRelevant = root.Optional("safety")?.Flag() ?? false,
            Recognise = root.List("recognise", 100, ReadRule),
            Reach = root.List("reach", 200, ReadReach),
            Update = root.Optional("update") is { } update ? ReadUpdate(update) : null,
            Health = root.List("health", 20, ReadHealth),
            Credentials = root.List("credentials", 100, ReadCredential),
            Rotate = root.Optional("rotate") is { } rotate ? ReadRotation(rotate) : null,
            SupportUntil = root.Optional("support") is { } support ? ReadSupport(support) : null,
            Sources = root.List("sources", 50, source => source.Text(500)),
        };
    }

    private static RecogniseRule ReadRule(PackNode node)
    {
        node.OnlyMembers("source", "is", "contains", "starts", "matches", "weight");
        var source = node.Required("source").As<EvidenceSource>(EvidenceSource.TryParse, "a place where evidence is read, such as 'DHCP option 60' or 'mDNS TXT md'");
        var weight = node.Required("weight").Number(0.01, 1);
        var tests = PackWords.Tests.Where(test => node.Optional(test.Key) is not null).ToList();
        if (tests is not [var (word, kind)])
        {
            node.Fault("a rule has exactly one of 'is', 'contains', 'starts' and 'matches'");
            return null!;
        }

        var text = node.Required(word);
        if (RecogniseRule.TryMake(source, kind, text.Text(500), weight, out var rule, out var fault)) return rule;
        text.Fault(fault);
        return null!;
    }

    private static PackReach ReadReach(PackNode node)
    {
        node.OnlyMembers("name", "ports", "why");
        return new(
            node.Required("name").Text(253, PackWords.IsDnsName, "a DNS name in lower case without the last dot, or '*.' and such a name"),
            node.List("ports", 20, port => port.As<TransportPort>(PackWords.TryPort, "a port such as 'tcp/8883'")),
            node.Optional("why")?.Text(200) ?? "");
    }

    private static PackUpdate ReadUpdate(PackNode node)
    {
        node.OnlyMembers("driver", "parameters", "repository");
        return new(node.Required("driver").Text(40), node.Texts("parameters"), node.Optional("repository")?.Text(100));
    }

    private static HealthCheck ReadHealth(PackNode node)
    {
        node.OnlyMembers("http", "port", "status", "tcp");
        if (node.Optional("tcp") is { } tcp)
        {
            foreach (var other in (string[])["http", "port", "status"]) node.Optional(other)?.Fault("has no meaning beside 'tcp'");
            return new(tcp.Port(), null, 0);
        }

        return new(
            node.Optional("port")?.Port() ?? 80,
            node.Required("http").Text(200, path => path.StartsWith('/') && !path.Any(char.IsWhiteSpace), "a path that begins with '/' and has no blank"),
            (int)(node.Optional("status")?.Number(100, 599) ?? 200));
    }

    private static PackCredential ReadCredential(PackNode node)
    {
        node.OnlyMembers("service", "port", "user", "password");
        return new(
            node.Required("service").Text(40), node.Required("port").Port(),
            node.Required("user").TextOrNothing(100), node.Required("password").TextOrNothing(100));
    }

    private static PackRotation ReadRotation(PackNode node)
    {
        node.OnlyMembers("method", "parameters");
        return new(node.Required("method").Text(40), node.Texts("parameters"));
    }

    private static DateOnly? ReadSupport(PackNode node)
    {
        node.OnlyMembers("until");
        return node.Optional("until")?.As<DateOnly>(PackWords.TryDay, "a day such as '2027-01-31'");
    }
}

/// <summary>The words a pack may use, and the shapes of its small values.</summary>
internal static class PackWords
{
    public static ImmutableArray<KeyValuePair<string, DeviceClass>> Classes { get; } =
        [new("thing", DeviceClass.Thing), new("router", DeviceClass.Router)];

    public static ImmutableArray<KeyValuePair<string, TextTest>> Tests { get; } =
        [new("is", TextTest.Is), new("contains", TextTest.Contains), new("starts", TextTest.StartsWith), new("matches", TextTest.Matches)];

    public static bool IsPackId(string text) =>
        text.Split('/') is [{ Length: > 0 } maker, { Length: > 0 } family] && IsWord(maker) && IsWord(family);

    public static bool IsDnsName(string text)
    {
        var name = text.StartsWith("*.", StringComparison.Ordinal) ? text[2..] : text;
        return name.Split('.') is { Length: > 1 } labels && labels.All(label => label is { Length: > 0 and <= 63 } && label.All(IsNameCharacter));
    }

    public static bool TryPort(string text, out TransportPort port)
    {
        port = default;
        if (text.Split('/') is not [("tcp" or "udp") and var protocol, var number] || !TryPortNumber(number, out var value)) return false;
        port = new(protocol == "tcp" ? TransportProtocol.Tcp : TransportProtocol.Udp, value);
        return true;
    }

    public static bool TryDay(string text, out DateOnly day) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day);

    private static bool TryPortNumber(string text, out ushort port) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port > 0;

    private static bool IsWord(string text) => char.IsAsciiLetterLower(text[0]) || char.IsAsciiDigit(text[0])
        ? text.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '-' or '.') : false;

    private static bool IsNameCharacter(char letter) => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '-' or '_';
}
