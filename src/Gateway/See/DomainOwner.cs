namespace Gatehouse.See;

/// <summary>Whose name a DNS name is: near enough the part one can register.</summary>
/// <remarks>
/// An approximation on purpose: the list of public suffixes has ten thousand lines and changes weekly. Two labels, or three below the usual
/// second-level names of countries (<c>co.uk</c>). Used to count and to group, never to permit.
/// </remarks>
internal static class DomainOwner
{
    private static readonly string[] _secondLevel = ["co", "com", "net", "org", "ac", "gov", "edu", "or", "ne", "go", "gob"];

    public static string Of(string name)
    {
        var labels = name.Split('.');
        var count = labels.Length > 2 && labels[^1].Length == 2 && _secondLevel.Contains(labels[^2]) ? 3 : 2;
        return labels.Length <= count ? name : string.Join('.', labels[^count..]);
    }
}
