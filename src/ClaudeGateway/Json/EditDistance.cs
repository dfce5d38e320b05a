namespace ClaudeGateway.Json;

/// <summary>How many edits make one word of another.</summary>
internal static class EditDistance
{
    /// <summary>Levenshtein's: insertions, deletions and substitutions.</summary>
    public static int Levenshtein(string a, string b) => Between(a, b, false);

    /// <summary>Damerau's (optimal string alignment): neighbours that changed places are one edit.</summary>
    public static int Damerau(string a, string b) => Between(a, b, true);

    private static int Between(string a, string b, bool countsTranspositions)
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
                if (countsTranspositions && i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
                }
            }

            (beforeLast, last, row) = (last, row, beforeLast);
        }

        return last[b.Length];
    }
}
