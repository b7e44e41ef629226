using System.Text.Json;
using Gatehouse.Trust.Keys;
using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust;

/// <summary>What trusted metadata says of one target (TUF 1.0.34, 4.5). Only a <see cref="TufRepository"/> makes it. The bytes themselves come by download.</summary>
public sealed class TargetFile
{
    internal TargetFile(TargetEntry entry, VerificationReason reason, IReadOnlyList<RoleLink> chain)
    {
        Entry = entry;
        Reason = reason;
        Chain = chain;
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

    internal IReadOnlyList<RoleLink> Chain { get; }
}

/// <summary>One verified role on the way from root to a target: who delegated to it, the keys that counted, and how it came from the delegator's keys to those.</summary>
internal sealed record RoleLink(string Delegator, Metadata.Targets Targets, RoleKeys Keys, IReadOnlyList<ReadOnlyMemory<byte>> Rotations);
