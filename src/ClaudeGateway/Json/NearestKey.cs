namespace ClaudeGateway.Json;

/// <summary>
/// Finds the word somebody probably meant: the closest by Damerau-Levenshtein distance, if close enough.
/// </summary>
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
            var distance = EditDistance.Damerau(normal, Normalise(candidate));
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
}
