using ClaudeGateway.Settings;
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
            return new YamlReadException(FirstTab(text, e.Start), "not YAML: a tab cannot indent; use spaces");
        }

        var hint = Line(text, e.Start).Contains("${", StringComparison.Ordinal)
            ? " (inside { } and [ ] a value with ${...} must stand in quotes)"
            : "";
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

    /// <summary>The parser reports the mapping around the tab.</summary>
    private static ConfigPosition FirstTab(string text, Mark from)
    {
        var lines = text.Split('\n');
        for (var i = (int)from.Line - 1; i < lines.Length; i++)
        {
            var indentation = lines[i].Length - lines[i].TrimStart(' ', '\t').Length;
            if (lines[i].IndexOf('\t', StringComparison.Ordinal) is >= 0 and var tab && tab < indentation)
            {
                return new ConfigPosition(i + 1, tab + 1);
            }
        }

        return Position(from);
    }

    private static string Line(string text, Mark mark)
    {
        var lines = text.Split('\n');
        return mark.Line >= 1 && mark.Line <= lines.Length ? lines[(int)mark.Line - 1] : "";
    }

    private static ConfigPosition Position(Mark mark) => new((int)mark.Line, (int)mark.Column);
}
