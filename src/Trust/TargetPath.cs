using Gatehouse.Trust.Metadata;

namespace Gatehouse.Trust;

/// <summary>Target paths on their way into addresses and file names.</summary>
internal static class TargetPath
{
    /// <summary>The address below the targets' base: each segment encoded, the last with the hash before it where snapshots are consistent (5.7.3).</summary>
    /// <exception cref="TrustException">The path climbs, is empty, or starts with a slash (4.5 forbids it).</exception>
    public static string ToAddress(TargetEntry target, bool consistentSnapshot, TrustLimits limits)
    {
        var segments = target.Path.Split('/');
        if (target.Path.Length > limits.TargetPathBytes || segments.Any(s => s is "" or "." or ".."))
        {
            throw new TrustException(TrustReason.UnsafePath, "The target's path is too long, starts with a slash or climbs out of its folder.");
        }

        var name = RoleName.Encode(segments[^1]);
        if (consistentSnapshot)
        {
            if (target.Hashes.Known.Count == 0) throw new TrustException(TrustReason.HashMismatch, $"No hash that this client knows is signed for {target.Path}.");
            name = Convert.ToHexStringLower(target.Hashes.Known[0].Value) + "." + name;
        }

        return string.Join('/', segments[..^1].Select(RoleName.Encode).Append(name));
    }

    /// <summary>One file name for the whole path. A path too long for that is named by its hash.</summary>
    public static string ToFileName(string path)
    {
        var name = RoleName.Encode(path);
        if (name.Length <= 200 && name is not ("." or "..")) return name;

        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(path)));
    }
}
