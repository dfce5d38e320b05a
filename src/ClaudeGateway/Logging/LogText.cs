using System.Globalization;
using System.Text;

namespace ClaudeGateway.Logging;

/// <summary>What an upstream said, for the operator's log: bounded, because an upstream may echo a request.</summary>
internal static class LogText
{
    private const int MaxLength = 1000;

    /// <summary>Without what a terminal or a reader of lines would obey instead of showing.</summary>
    public static string Printable(string text)
    {
        var shown = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            _ = char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                ? shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")
                : shown.Append(c);
        }

        return shown.ToString();
    }

    public static string Shorten(string text) => text.Length <= MaxLength ? text : text[..MaxLength] + "…";
}
