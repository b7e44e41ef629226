using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gatehouse.Trust.Keys;

namespace Gatehouse.Trust.Metadata;

/// <summary>
/// A targets role's own change of its keys (TAP 8), signed by a threshold of its old ones; or its revocation (TAP 20), when the new keys
/// hold the null key. The snapshot lists these files, so that none of a chain can be held back.
/// </summary>
internal sealed class Rotation
{
    /// <summary>
    /// The key type of the null key. TAP 20 asks for a fixed value and names none; here it is a key of type and scheme "null" with an
    /// empty public part, which no signature scheme can ever have.
    /// </summary>
    public const string NullKeyType = "null";

    public Rotation(SignedFile file, string role, string previous, TrustLimits limits)
    {
        File = file;
        using var signed = file.ParseSigned(limits);
        var content = signed.RootElement;
        if (content.GetRequired("_type").GetText() != "rotate") throw new WrongTypeException();
        if (content.GetRequired("role").GetText() != role) throw new JsonException("it is another role's");
        if (content.GetRequired("previous").GetText() != previous) throw new JsonException("it follows another rotation");

        var table = RoleKeys.ParseTable(content.GetRequired("keys"), limits);
        IsRevocation = table.Values.Any(k => k.Type == NullKeyType);
        var threshold = content.GetRequired("threshold").GetInteger("threshold", atLeast: 1);
        Keys = RoleKeys.Of([.. table.Keys], table, (int)Math.Min(int.MaxValue, threshold));
    }

    public SignedFile File { get; }

    public RoleKeys Keys { get; }

    public bool IsRevocation { get; }

    /// <summary>The name under which the snapshot lists the rotation away from <paramref name="keys"/> (TAP 8): role, old keys with threshold, hash of the rotation before.</summary>
    public static string NameFor(string role, RoleKeys keys, ReadOnlyMemory<byte>? previous)
    {
        var ids = string.Join('.', keys.KeyIds.Order(StringComparer.Ordinal)) + "." + keys.Threshold.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ids)));
        return $"{role}.rotate.{id}.{(previous is { } bytes ? Convert.ToHexStringLower(SHA256.HashData(bytes.Span)) : "")}";
    }
}
