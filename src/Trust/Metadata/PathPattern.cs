namespace Gatehouse.Trust.Metadata;

/// <summary>
/// PATHPATTERN (4.5): <c>*</c> stands for any run of characters, <c>?</c> for any one, neither for a slash. Letter case counts.
/// </summary>
internal static class PathPattern
{
    // Only the last star is gone back to, so the time is at most the product of the lengths, whatever the pattern.
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> path)
    {
        int p = 0, s = 0, star = -1, mark = 0;
        while (s < path.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                mark = s;
            }
            else if (p < pattern.Length && (pattern[p] == path[s] || (pattern[p] == '?' && path[s] != '/')))
            {
                p++;
                s++;
            }
            else if (star >= 0 && path[mark] != '/')
            {
                p = star + 1;
                s = ++mark;
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }
}
