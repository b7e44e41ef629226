using System.Text.Json;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust;

/// <summary>What trusted metadata says of one target (TUF 1.0.34, 4.5). Only a <see cref="TufRepository"/> makes it. The bytes themselves come by download.</summary>
public sealed class TargetFile
{
    internal TargetFile(TargetEntry entry, VerificationReason reason, IReadOnlyList<ProofFile> proof)
    {
        Entry = entry;
        Reason = reason;
        Proof = proof;
        Hashes = entry.Hashes.Known.ToDictionary(h => h.Key, h => Convert.ToHexStringLower(h.Value), StringComparer.Ordinal);
    }

    /// <summary>The path, with slashes, as the metadata has it. Text from outside: never a file name as it is.</summary>
    public string Path => Entry.Path;

    /// <summary>Length in bytes.</summary>
    public long Length => Entry.Length;

    /// <summary>The hashes this client knows ("sha256", "sha512"), as lower-case hexadecimal digits.</summary>
    public IReadOnlyDictionary<string, string> Hashes { get; }

    /// <summary>The custom fields: application data that the role signed too. Null where there are none.</summary>
    public JsonElement? Custom => Entry.Custom;

    /// <summary>Who signed this.</summary>
    public VerificationReason Reason { get; }

    internal TargetEntry Entry { get; }

    internal IReadOnlyList<ProofFile> Proof { get; }
}

/// <summary>A metadata file that vouches for a target, to be kept beside the image.</summary>
internal sealed record ProofFile(string Delegator, string Role, ReadOnlyMemory<byte> Bytes);
