using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ClaudeGateway.Config.Shapes;

namespace ClaudeGateway.Config.Sections.Managed;

/// <summary>
/// The sign-in notice as terminals and the browser may show it: a terminal obeys escape sequences (ECMA-48) and hides
/// what direction marks reorder, so both could forge what the notice says (spec/auth.md, login_notice).
/// </summary>
internal static partial class LoginNoticeShape
{
    private const int MaxLength = 500;

    public static readonly Shape<string> Text = Values.Text(0).As(Clean).Must(Problem)
        .Named("text, 1 to 500 characters");

    private static string? Problem(string notice) => notice.Length switch
    {
        0 => "must not be blank",
        > MaxLength => $"must have 1 to {MaxLength} characters, got {notice.Length}",
        _ => null,
    };

    private static string Clean(string notice)
    {
        var text = new StringBuilder(notice.Length);
        foreach (var rune in EscapeSequence().Replace(notice, "").EnumerateRunes())
        {
            text.Append(IsInvisible(rune) ? " " : rune.ToString());
        }

        return Blanks().Replace(text.ToString(), " ").Trim();
    }

    private static bool IsInvisible(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator;

    /// <summary>
    /// Control sequences, and control strings (titles, links) up to their terminator; an unfinished one only loses its
    /// escape character.
    /// </summary>
    [GeneratedRegex(
        @"\u001b\[[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(\u0007|\u001b\\)", RegexOptions.CultureInvariant)]
    private static partial Regex EscapeSequence();

    [GeneratedRegex(" {2,}", RegexOptions.CultureInvariant)]
    private static partial Regex Blanks();
}
