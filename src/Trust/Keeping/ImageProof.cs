using System.Globalization;
using System.Text.Json;
using Gatehouse.Trust.Fetching;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust.Keeping;

/// <summary>
/// What is kept beside an image so that it can be verified again years later: the targets metadata that vouched for it, and the version of
/// the root whose keys signed that. Expiry and later key changes do not matter then; every signature and every hash does.
/// </summary>
internal static class ImageProof
{
    public const string Ending = ".proof";
    private const string Index = "proof.json";

    public static void Write(string imagePath, TufRepository repository, TargetFile target)
    {
        var folder = imagePath + Ending;
        Directory.CreateDirectory(folder);
        for (var i = 0; i < target.Proof.Count; i++) AtomicFile.Write(Path.Combine(folder, FileName(i)), target.Proof[i].Bytes.Span);

        // Last, since it names the others: without it there is no proof.
        AtomicFile.Write(Path.Combine(folder, Index), WriteIndex(repository, target));
    }

    /// <summary>Verifies an image against the proof beside it.</summary>
    public static async Task<VerifiedImage> VerifyAsync(
        string imagePath, string repositoryName, MetadataStore store, TrustLimits limits, CancellationToken cancellationToken)
    {
        var folder = imagePath + Ending;
        var (target, rootVersion, roles) = ReadIndex(folder, repositoryName, limits);
        var rootBytes = store.LoadRootVersion(rootVersion)
            ?? throw new TrustException(TrustReason.NotReady, $"Root version {rootVersion}, under which {target} was verified, is not kept any more.");
        if (TrustedMetadataSet.TryStart(rootBytes, DateTimeOffset.MinValue, limits, out var set) is { } refusal) throw new TrustException(refusal);

        var (entry, reason) = VerifyChain(folder, repositoryName, target, set!, roles, limits);
        using var check = new ImageCheck(entry);
        if (!await check.RunAsync(imagePath, cancellationToken).ConfigureAwait(false))
        {
            throw new TrustException(TrustReason.HashMismatch, $"The kept image of {target} is damaged or was changed.");
        }

        return new VerifiedImage(imagePath, check, [reason], isRestored: true);
    }

    private static (TargetEntry Entry, VerificationReason Reason) VerifyChain(
        string folder, string repository, string target, TrustedMetadataSet set, List<(string Delegator, string Role)> roles, TrustLimits limits)
    {
        var keys = set.Root.Roles["targets"];
        var reasons = new List<RoleReason>();
        for (var i = 0; ; i++)
        {
            var bytes = File.ReadAllBytes(Path.Combine(folder, FileName(i)));
            var refusal = TrustedMetadataSet.VerifyKept(bytes, roles[i].Role, keys, limits, out var targets);
            if (refusal is not null) throw new TrustException(refusal);

            reasons.Add(new RoleReason(roles[i].Role, targets!.Version, targets.Expires, keys.Threshold, targets.Signers));
            if (i == roles.Count - 1)
            {
                var entry = targets.Find(target) ?? throw new TrustException(TrustReason.NoSuchTarget, $"The kept proof does not speak of {target}.");
                return (entry, new VerificationReason(repository, target, set.Root.Version, reasons));
            }

            keys = targets.Delegations.For(target).FirstOrDefault(d => d.Role == roles[i + 1].Role)?.Keys
                ?? throw new TrustException(TrustReason.NotSigned, $"The kept proof has no delegation to {roles[i + 1].Role}.");
        }
    }

    private static (string Target, long RootVersion, List<(string Delegator, string Role)> Roles) ReadIndex(string folder, string repository, TrustLimits limits)
    {
        try
        {
            using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, Index)));
            var content = index.RootElement;
            var roles = content.GetRequired("roles").GetItems()
                .Select(r => (r.GetRequired("delegator").GetText(), r.GetRequired("role").GetText())).ToList();
            if (content.GetRequired("repository").GetText() != repository) throw new JsonException("it belongs to another repository");
            if (roles.Count == 0 || roles.Count > limits.VisitedRoles) throw new JsonException("it has no roles");

            return (content.GetRequired("target").GetText(), content.GetRequired("root").GetInteger("root", 1), roles);
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException)
        {
            throw new TrustException(TrustReason.Malformed, $"The proof in {folder} is damaged: {bad.Message}", bad);
        }
    }

    private static byte[] WriteIndex(TufRepository repository, TargetFile target)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            json.WriteString("repository", repository.Name);
            json.WriteString("target", target.Path);
            json.WriteNumber("root", target.Reason.RootVersion);
            json.WriteStartArray("roles");
            foreach (var file in target.Proof)
            {
                json.WriteStartObject();
                json.WriteString("delegator", file.Delegator);
                json.WriteString("role", file.Role);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return memory.ToArray();
    }

    private static string FileName(int place) => place.ToString(CultureInfo.InvariantCulture) + ".json";
}
