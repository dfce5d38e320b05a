using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;

namespace ClaudeGateway.Settings;

/// <summary>
/// The regular expressions of a schema, in the ECMA-262 dialect JSON Schema prescribes, built when first needed: a boot
/// without policies builds none.
/// </summary>
internal static class SchemaPatterns
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);
    private static readonly ConcurrentDictionary<string, Regex> Built = new(StringComparer.Ordinal);

    public static bool IsMatch(string pattern, string text)
    {
        try
        {
            return Built.GetOrAdd(pattern, p => new Regex(Translate(p), RegexOptions.CultureInvariant,
                Timeout)).IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            return false;
        }
    }

    /// <summary>Whether the text is itself a regular expression.</summary>
    public static bool IsExpression(string text)
    {
        try
        {
            _ = new Regex(
                Translate(text.Replace("[^]", "[\\s\\S]", StringComparison.Ordinal)),
                RegexOptions.CultureInvariant,
                Timeout);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>"$" means the very end in ECMA-262; in .NET it would also match before a last newline.</summary>
    private static string Translate(string pattern)
    {
        var text = new StringBuilder(pattern.Length + 4);
        var inClass = false;
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length)
            {
                text.Append(c).Append(pattern[++i]);
                continue;
            }

            inClass = c == '[' || (inClass && c != ']');
            text.Append(c == '$' && !inClass ? @"\z" : c.ToString());
        }

        return text.ToString();
    }
}
