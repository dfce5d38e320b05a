namespace ClaudeGateway.Json;

/// <summary>Finds the word somebody probably meant: the closest by Damerau-Levenshtein distance, if close enough.</summary>
internal static class NearestKey
{
    /// <returns><c>; did you mean 'x'?</c>, or nothing.</returns>
    public static string Suggestion(string written, IEnumerable<string> known) =>
        Find(written, known) is { } nearest ? $"; did you mean '{nearest}'?" : "";

    public static string? Find(string written, IEnumerable<string> known)
    {
        var normal = Normalise(written);
        if (normal.Length is 0 or > 64)
        {
            return null;
        }

        string? best = null;
        var bestDistance = 1 + (normal.Length / 3);
        foreach (var candidate in known)
        {
            var distance = Distance(normal, Normalise(candidate));
            if (distance < bestDistance)
            {
                (best, bestDistance) = (candidate, distance);
            }
        }

        return best;
    }

    /// <summary>clientSecret, client-secret and client_secret are one word.</summary>
    private static string Normalise(string word)
    {
        var text = new System.Text.StringBuilder(word.Length);
        foreach (var c in word)
        {
            if (char.IsLetterOrDigit(c))
            {
                text.Append(char.ToLowerInvariant(c));
            }
        }

        return text.ToString();
    }

    private static int Distance(string a, string b)
    {
        var beforeLast = new int[b.Length + 1];
        var last = new int[b.Length + 1];
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                row[j] = Math.Min(Math.Min(last[j] + 1, row[j - 1] + 1), last[j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
                }
            }

            (beforeLast, last, row) = (last, row, beforeLast);
        }

        return last[b.Length];
    }
}
