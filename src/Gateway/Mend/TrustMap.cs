using System.Collections.Immutable;
using System.Text.Json;

namespace Gatehouse.Mend;

/// <summary>One repository that firmware is taken from.</summary>
/// <param name="Name">Lower-case letters, digits and '-'; also the name of its folder below the trust folder.</param>
/// <param name="Mirror">Where its TUF files are: an address that ends with '/'.</param>
/// <param name="RootFile">Its first trusted root, as it came with the trust map; the way to a newer one is followed from there.</param>
/// <param name="Models">The models it may speak for, as release metadata names them. A release for another model is not its business.</param>
public sealed record TrustedRepository(string Name, Uri Mirror, string RootFile, ImmutableArray<string> Models);

/// <summary>Which repositories may say what runs on which Thing. Read from a file that the owner's distribution ships; checked whole.</summary>
/// <remarks>The file is described in <c>docs/mend.md</c>. Several repositories that must agree (TAP 4) are not part of it yet.</remarks>
public sealed record TrustMap
{
    /// <summary>Longest file, in bytes.</summary>
    public const int MaxFileBytes = 256 * 1024;

    /// <summary>Most repositories: each costs a request at every poll.</summary>
    public const int MaxRepositories = 200;

    /// <summary>Shortest time between two polls of one repository.</summary>
    public static readonly TimeSpan MinPoll = TimeSpan.FromSeconds(2);

    /// <summary>The time between two polls where the file does not say: soon enough for a security release, rare enough for a small mirror.</summary>
    public static readonly TimeSpan UsualPoll = TimeSpan.FromHours(1);

    /// <summary>A map that trusts nobody: nothing is offered.</summary>
    public static TrustMap Empty { get; } = new() { Repositories = [] };

    public required ImmutableArray<TrustedRepository> Repositories { get; init; }

    /// <summary>Time between two polls of one repository.</summary>
    public TimeSpan Poll { get; init; } = UsualPoll;

    public TrustedRepository? Find(string name) => Repositories.FirstOrDefault(repository => repository.Name == name);

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="TrustMapException">It has faults; all of them are in the message, each with its place and the remedy.</exception>
    public static TrustMap Load(string file)
    {
        var faults = new List<string>();
        var map = Read(file, faults);
        return faults.Count == 0 ? map! : throw new TrustMapException(file, [.. faults]);
    }

    private static TrustMap? Read(string file, List<string> faults)
    {
        try
        {
            if (new FileInfo(file).Length is > MaxFileBytes and var length)
            {
                faults.Add($"$: the file has {length} bytes; a trust map has at most {MaxFileBytes}");
                return null;
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            return new TrustMapReader(Path.GetDirectoryName(Path.GetFullPath(file))!, faults).Read(document.RootElement);
        }
        catch (JsonException bad)
        {
            faults.Add($"line {bad.LineNumber + 1}: this is not JSON: {bad.Message}");
        }
        catch (InvalidOperationException)
        {
            // How the parser says that a text holds bytes that are no UTF-8, or half a surrogate pair.
            faults.Add("$: a text in the file is not UTF-8");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            faults.Add($"$: the file cannot be read: {unreadable.Message}");
        }

        return null;
    }
}

/// <summary>A trust map has faults.</summary>
public sealed class TrustMapException(string file, ImmutableArray<string> faults)
    : Exception($"The trust map {file} cannot be used:\n{string.Join("\n", faults.Select(fault => "  " + fault))}")
{
    public ImmutableArray<string> Faults => faults;
}

/// <summary>Checks a trust map member by member and notes every fault.</summary>
internal sealed class TrustMapReader(string folder, List<string> faults)
{
    private static readonly string[] _members = ["$schema", "poll-seconds", "repositories"];
    private static readonly string[] _repositoryMembers = ["mirror", "root", "models"];

    public TrustMap Read(JsonElement root)
    {
        if (!IsObject("$", root)) return TrustMap.Empty;
        OnlyMembers("$", root, _members);
        return new TrustMap
        {
            Repositories = root.TryGetProperty("repositories", out var repositories) ? ReadRepositories(repositories) : Missing<TrustedRepository>("$", "repositories"),
            Poll = root.TryGetProperty("poll-seconds", out var poll) ? ReadPoll(poll) : TrustMap.UsualPoll,
        };
    }

    private ImmutableArray<TrustedRepository> ReadRepositories(JsonElement node)
    {
        if (!IsObject("$.repositories", node)) return [];
        var read = node.EnumerateObject().Select(member => ReadRepository($"$.repositories.{member.Name}", member)).ToImmutableArray();
        if (read.Length > TrustMap.MaxRepositories) faults.Add($"$.repositories: at most {TrustMap.MaxRepositories} repositories");
        var mayNotSpeakTwice = from repository in read
                               where repository is not null
                               from model in repository.Models
                               group repository.Name by model into speakers
                               where speakers.Count() > 1
                               select $"$.repositories: {string.Join(" and ", speakers)} both speak for '{speakers.Key}'; name each model once";
        faults.AddRange(mayNotSpeakTwice);
        return [.. read.OfType<TrustedRepository>()];
    }

    private TrustedRepository? ReadRepository(string place, JsonProperty member)
    {
        if (!IsObject(place, member.Value)) return null;
        OnlyMembers(place, member.Value, _repositoryMembers);
        if (member.Name.Length is 0 or > 60 || !member.Name.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-'))
            faults.Add($"{place}: a repository's name has lower-case letters, digits and '-', at most 60");

        var (mirror, root) = (ReadMirror(place, member.Value), ReadRoot(place, member.Value));
        var models = ReadModels(place, member.Value);
        return mirror is null || root is null ? null : new(member.Name, mirror, root, models);
    }

    private Uri? ReadMirror(string place, JsonElement node)
    {
        if (Text(place, node, "mirror") is not { } text) return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var mirror) && mirror.Scheme is "http" or "https" && text.EndsWith('/') && mirror.Query.Length == 0) return mirror;
        faults.Add($"{place}.mirror: should be an http or https address that ends with '/'");
        return null;
    }

    private string? ReadRoot(string place, JsonElement node)
    {
        if (Text(place, node, "root") is not { } text) return null;
        var file = Path.GetFullPath(Path.Combine(folder, text));
        if (File.Exists(file)) return file;
        faults.Add($"{place}.root: there is no file {file}; give the path of the repository's root.json, from this file's folder");
        return null;
    }

    private ImmutableArray<string> ReadModels(string place, JsonElement node)
    {
        if (!node.TryGetProperty("models", out var models)) return Missing<string>(place, "models");
        if (models.ValueKind == JsonValueKind.Array && models.EnumerateArray().All(model => model is { ValueKind: JsonValueKind.String } && model.GetString() is { Length: > 0 and <= 100 })
            && models.GetArrayLength() is > 0 and <= 1000) return [.. models.EnumerateArray().Select(model => model.GetString()!)];
        faults.Add($"{place}.models: should be a list of 1 to 1000 model names, each at most 100 characters");
        return [];
    }

    private TimeSpan ReadPoll(JsonElement poll)
    {
        if (poll.ValueKind == JsonValueKind.Number && poll.TryGetInt32(out var seconds) && seconds >= TrustMap.MinPoll.TotalSeconds && seconds <= 7 * 24 * 3600)
            return TimeSpan.FromSeconds(seconds);
        faults.Add($"$.poll-seconds: should be a number from {TrustMap.MinPoll.TotalSeconds:0} to {7 * 24 * 3600}");
        return TrustMap.UsualPoll;
    }

    private string? Text(string place, JsonElement node, string name)
    {
        if (node.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= 1000 } text) return text;
        faults.Add($"{place}: '{name}' is missing or is not a text");
        return null;
    }

    private ImmutableArray<T> Missing<T>(string place, string name)
    {
        faults.Add($"{place}: '{name}' is missing");
        return [];
    }

    private bool IsObject(string place, JsonElement node)
    {
        if (node.ValueKind == JsonValueKind.Object) return true;
        faults.Add($"{place}: should be an object {{…}}");
        return false;
    }

    private void OnlyMembers(string place, JsonElement node, string[] known)
    {
        foreach (var member in node.EnumerateObject())
        {
            if (!known.Contains(member.Name)) faults.Add($"{place}.{member.Name}: is not known here; known are: {string.Join(", ", known)}");
        }
    }
}
