namespace ClaudeGateway.Json;

/// <summary>The typo guard of desktop blocks (x-typo-guard): Levenshtein distance, letter case and "_" ignored. What it finds is refused, so the measure is the reference's; suggestions elsewhere use <see cref="NearestKey"/>.</summary>
internal static class NearestName
{
    /// <summary>The first of <paramref name="names"/> with the smallest distance, if that is at most <paramref name="maxEdits"/>.</summary>
    public static string? Of(string name, IEnumerable<string> names, int maxEdits)
    {
        var wanted = Fold(name);
        string? nearest = null;
        var best = maxEdits + 1;
        foreach (var candidate in names)
        {
            var distance = Distance(wanted, Fold(candidate), best);
            if (distance < best)
            {
                (nearest, best) = (candidate, distance);
            }
        }

        return nearest;
    }

    private static string Fold(string name) => name.Replace("_", "", StringComparison.Ordinal).ToUpperInvariant();

    /// <summary>The distance, or any number not below <paramref name="limit"/> when it reaches that.</summary>
    private static int Distance(string a, string b, int limit)
    {
        if (Math.Abs(a.Length - b.Length) >= limit)
        {
            return limit;
        }

        var previous = new int[b.Length + 1];
        var current = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            previous[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(substitution, Math.Min(previous[j], current[j - 1]) + 1);
            }

            (previous, current) = (current, previous);
        }

        return previous[b.Length];
    }
}
