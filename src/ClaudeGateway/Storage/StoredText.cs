using System.Text;

namespace ClaudeGateway.Storage;

/// <summary>
/// The one rule for text that goes to the store: PostgreSQL takes no NUL character and no half of a surrogate pair;
/// both become U+FFFD. Clients and identity providers may send either.
/// </summary>
internal static class StoredText
{
    public static string Of(string text) => IsStorable(text) ? text : Replace(text);

    public static bool IsStorable(string text)
    {
        var rest = text.AsSpan();
        while (rest.IndexOfAnyInRange('\uD800', '\uDFFF') is >= 0 and var at)
        {
            if (Rune.DecodeFromUtf16(rest[at..], out _, out var length) != System.Buffers.OperationStatus.Done)
            {
                return false;
            }

            rest = rest[(at + length)..];
        }

        return !text.Contains('\0', StringComparison.Ordinal);
    }

    private static string Replace(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            clean.Append(rune.Value == 0 ? Rune.ReplacementChar : rune);
        }

        return clean.ToString();
    }
}
