using System.Text.RegularExpressions;

namespace ClaudeGateway.Config.Sections;

/// <summary>Different clouds' spellings of one model, made equal: only for telling that two price rows are the same.</summary>
internal static partial class ModelSpelling
{
    public static string Canonical(string model)
    {
        var name = Prefix().Replace(model.ToUpperInvariant(), "");
        name = Suffix().Replace(name, "");
        return Date().Replace(name, "");
    }

    [GeneratedRegex(@"^((US|EU|APAC|JP|AU|GLOBAL|US-GOV)\.)?ANTHROPIC\.", RegexOptions.CultureInvariant)]
    private static partial Regex Prefix();

    [GeneratedRegex(@"-V[0-9]+(:[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Suffix();

    [GeneratedRegex(@"[-@]20[0-9]{6}$", RegexOptions.CultureInvariant)]
    private static partial Regex Date();
}
