namespace ClaudeGateway.Models;

/// <summary>Finds whole words, which a longer one that contains them is not.</summary>
internal static class Words
{
    /// <summary>
    /// Whether <paramref name="word"/> stands in <paramref name="text"/> with no word character beside it; letter case
    /// counts.
    /// </summary>
    /// <param name="word">An empty one is nowhere.</param>
    public static bool Contains(string text, string word, Func<char, bool> isWordCharacter)
    {
        if (word.Length == 0)
        {
            return false;
        }

        for (var at = text.IndexOf(word, StringComparison.Ordinal); at >= 0;)
        {
            var end = at + word.Length;
            if ((at == 0 || !isWordCharacter(text[at - 1])) && (end == text.Length || !isWordCharacter(text[end])))
            {
                return true;
            }

            at = text.IndexOf(word, at + 1, StringComparison.Ordinal);
        }

        return false;
    }
}
