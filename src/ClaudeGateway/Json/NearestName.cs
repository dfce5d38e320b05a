namespace ClaudeGateway.Json;

/// <summary>
/// The typo guard of desktop blocks (x-typo-guard): Levenshtein distance, letter case and "_" ignored. What it finds is
/// refused, so the measure is the reference's; suggestions elsewhere use <see cref="NearestKey"/>.
/// </summary>
internal static class NearestName
{
    /// <summary>
    /// The first of <paramref name="names"/> with the smallest distance, if that is at most
    /// <paramref name="maxEdits"/>.
    /// </summary>
    public static string? Of(string name, IEnumerable<string> names, int maxEdits)
    {
        var wanted = Fold(name);
        string? nearest = null;
        var best = maxEdits + 1;
        foreach (var candidate in names)
        {
            var folded = Fold(candidate);
            if (Math.Abs(wanted.Length - folded.Length) >= best)
            {
                continue;
            }

            var distance = EditDistance.Levenshtein(wanted, folded);
            if (distance < best)
            {
                (nearest, best) = (candidate, distance);
            }
        }

        return nearest;
    }

    private static string Fold(string name) => name.Replace("_", "", StringComparison.Ordinal).ToUpperInvariant();
}
