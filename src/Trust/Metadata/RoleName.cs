using System.Text;
using System.Text.Json;

namespace Gatehouse.Trust.Metadata;

/// <summary>
/// Role names come from metadata and end up in file names and addresses. They are percent-encoded first (all but letters, digits and
/// <c>-._~</c>), so that <c>../root</c> is one odd file name and never a path.
/// </summary>
internal static class RoleName
{
    /// <exception cref="JsonException">Empty, too long, or the name of a top-level role, whose file it would overwrite.</exception>
    public static string Check(string name, TrustLimits limits)
    {
        if (name.Length == 0) throw new JsonException("a delegated role has no name");
        if (Root.TopLevel.Contains(name)) throw new JsonException($"a delegated role calls itself {name}");
        if (Encode(name).Length > limits.RoleNameBytes) throw new JsonException($"a role's name is longer than {limits.RoleNameBytes} bytes");

        return name;
    }

    public static string Encode(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var octet in Encoding.UTF8.GetBytes(name))
        {
            var letter = (char)octet;
            if (char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_' or '~') text.Append(letter);
            else text.Append('%').Append(octet.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }
}
