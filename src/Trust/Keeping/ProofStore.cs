using System.Security.Cryptography;
using System.Text.Json;
using Gatehouse.Trust.Fetching;
using Gatehouse.Trust.Keys;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust.Keeping;

/// <summary>
/// What is kept of every image so that it can be verified again years later: the targets metadata that vouched for it, and the version of
/// the root whose keys signed that. Expiry and later key changes do not matter then; every signature and every hash does.
/// </summary>
/// <remarks>
/// Lies in the metadata folder: <c>proofs/IMAGEHASH.json</c> names the target and the metadata files, which lie by their own hash in
/// <c>proofs/metadata/</c> and are shared between images.
/// </remarks>
internal sealed class ProofStore(string metadataFolder, TrustLimits limits)
{
    private readonly string _folder = Path.Combine(metadataFolder, "proofs");

    public void Keep(string repository, TargetFile target, string imageSha256)
    {
        var blobs = Path.Combine(_folder, "metadata");
        Directory.CreateDirectory(blobs);
        var names = new List<string>();
        foreach (var link in target.Chain)
        {
            names.Add(KeepBlob(blobs, link.Targets.File.Bytes.Span));
            foreach (var rotation in link.Rotations) KeepBlob(blobs, rotation.Span);
        }

        // Last, since it names the others: without it there is no proof.
        AtomicFile.Write(Path.Combine(_folder, imageSha256 + ".json"), WriteIndex(repository, target, names));
        ForgetOldest();
    }

    private static string KeepBlob(string folder, ReadOnlySpan<byte> bytes)
    {
        var name = NameOf(bytes);
        var path = Path.Combine(folder, name + ".json");
        if (!File.Exists(path)) AtomicFile.Write(path, bytes);
        return name;
    }

    private static string NameOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Verifies an image against the proof kept of it.</summary>
    public async Task<VerifiedImage> VerifyAsync(string imagePath, string repository, MetadataStore store, CancellationToken cancellationToken)
    {
        var hash = await HashAsync(imagePath, cancellationToken).ConfigureAwait(false);
        var index = Path.Combine(_folder, hash + ".json");
        if (!File.Exists(index)) throw new TrustException(TrustReason.HashMismatch, $"{imagePath} was never verified here, or was changed since.");

        var (target, rootVersion, roles) = ReadIndex(index, repository);
        var rootBytes = store.LoadRootVersion(rootVersion)
            ?? throw new TrustException(TrustReason.NotReady, $"Root version {rootVersion}, under which {target} was verified, is not kept any more.");
        if (TrustedMetadataSet.TryStart(rootBytes, DateTimeOffset.MinValue, limits, out var set) is { } refusal) throw new TrustException(refusal);

        var (entry, reason) = VerifyChain(repository, target, set!, roles);
        using var check = new ImageCheck(entry);
        await check.RunAsync(imagePath, cancellationToken).ConfigureAwait(false);
        return new VerifiedImage(imagePath, check, [reason], isRestored: true);
    }

    private (TargetEntry Entry, VerificationReason Reason) VerifyChain(
        string repository, string target, TrustedMetadataSet set, List<KeptRole> roles)
    {
        var keys = set.Root.Roles["targets"];
        var reasons = new List<RoleReason>();
        for (var i = 0; ; i++)
        {
            keys = ApplyRotations(roles[i], keys);
            var bytes = ReadBlob(roles[i].File);
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

    private RoleKeys ApplyRotations(KeptRole role, RoleKeys keys)
    {
        var previousName = "";
        byte[]? previous = null;
        foreach (var file in role.Rotations)
        {
            var name = Rotation.NameFor(role.Role, keys, previous is null ? (ReadOnlyMemory<byte>?)null : previous);
            previous = ReadBlob(file);
            if (TrustedMetadataSet.VerifyRotation(previous, role.Role, previousName, keys, limits, out var next) is { } refusal) throw new TrustException(refusal);

            (keys, previousName) = (next!, name);
        }

        return keys;
    }

    private byte[] ReadBlob(string name) => File.ReadAllBytes(Path.Combine(_folder, "metadata", RoleName.Encode(name) + ".json"));

    private (string Target, long RootVersion, List<KeptRole> Roles) ReadIndex(string path, string repository)
    {
        try
        {
            using var index = JsonDocument.Parse(File.ReadAllBytes(path));
            var content = index.RootElement;
            var roles = content.GetRequired("roles").GetItems()
                .Select(r => new KeptRole(
                    r.GetRequired("role").GetText(), r.GetRequired("file").GetText(), r.GetRequired("rotations").GetItems().Select(f => f.GetText()).ToList()))
                .ToList();
            if (content.GetRequired("repository").GetText() != repository) throw new JsonException("it belongs to another repository");
            if (roles.Count == 0 || roles.Count > limits.VisitedRoles) throw new JsonException("it has no roles");

            return (content.GetRequired("target").GetText(), content.GetRequired("root").GetInteger("root", 1), roles);
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException)
        {
            throw new TrustException(TrustReason.Malformed, $"The proof {path} is damaged: {bad.Message}", bad);
        }
    }

    /// <summary>Keeps the newest proofs only, and the metadata they name.</summary>
    private void ForgetOldest()
    {
        var old = new DirectoryInfo(_folder).GetFiles("*.json").OrderByDescending(f => f.LastWriteTimeUtc).Skip(limits.KeptProofs).ToList();
        if (old.Count == 0) return;

        foreach (var file in old) file.Delete();
        var named = new DirectoryInfo(_folder).GetFiles("*.json").Select(f => File.ReadAllText(f.FullName)).ToList();
        foreach (var blob in new DirectoryInfo(Path.Combine(_folder, "metadata")).GetFiles("*.json"))
        {
            if (!named.Exists(text => text.Contains(Path.GetFileNameWithoutExtension(blob.Name), StringComparison.Ordinal))) blob.Delete();
        }
    }

    private static async Task<string> HashAsync(string path, CancellationToken cancellationToken)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, useAsync: false);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken).ConfigureAwait(false));
    }

    private static byte[] WriteIndex(string repository, TargetFile target, List<string> names)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            json.WriteString("repository", repository);
            json.WriteString("target", target.Path);
            json.WriteNumber("root", target.Reason.RootVersion);
            json.WriteStartArray("roles");
            for (var i = 0; i < names.Count; i++)
            {
                json.WriteStartObject();
                json.WriteString("role", target.Chain[i].Targets.Role);
                json.WriteString("file", names[i]);
                json.WriteStartArray("rotations");
                foreach (var rotation in target.Chain[i].Rotations) json.WriteStringValue(NameOf(rotation.Span));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return memory.ToArray();
    }

    private sealed record KeptRole(string Role, string File, IReadOnlyList<string> Rotations);
}
