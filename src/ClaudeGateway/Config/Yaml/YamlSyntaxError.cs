using YamlDotNet.Core;

namespace ClaudeGateway.Config.Yaml;

/// <summary>Says in an operator's words what the parser could not read, without repeating any of it.</summary>
internal static class YamlSyntaxError
{
    public static YamlReadException From(YamlException e, string text)
    {
        var reason = Reason(e);
        if (reason.Contains("invalid tab", StringComparison.Ordinal))
        {
            return new YamlReadException(Position(e.End), "not YAML: a tab cannot indent; use spaces");
        }

        var hint = Line(text, e.Start).Contains("${", StringComparison.Ordinal) ? " (inside { } and [ ] a value with ${...} must stand in quotes)" : "";
        return new YamlReadException(Position(e.Start), $"not YAML: {reason}{hint}");
    }

    /// <summary>The message repeats the positions in front of the text, or nests another exception.</summary>
    private static string Reason(YamlException e)
    {
        var reason = (e.InnerException ?? e).Message;
        var end = reason.IndexOf("): ", StringComparison.Ordinal);
        var own = (end < 0 ? reason : reason[(end + 3)..]).TrimEnd('.').ReplaceLineEndings(" ");
        return own.Length == 0 ? "it cannot be read here" : char.ToLowerInvariant(own[0]) + own[1..];
    }

    private static string Line(string text, Mark mark)
    {
        var lines = text.Split('\n');
        return mark.Line >= 1 && mark.Line <= lines.Length ? lines[(int)mark.Line - 1] : "";
    }

    private static ConfigPosition Position(Mark mark) => new((int)mark.Line, (int)mark.Column);
}
