using System.Globalization;
using System.Text.RegularExpressions;

namespace ClaudeGateway.Spend.Prices;

/// <summary>
/// Family and version of a Claude model as its name says it, e.g. opus 4.8; minor 0 when the name has none.
/// </summary>
internal readonly partial record struct ModelVersion(string Family, int Major, int Minor)
{
    /// <summary>
    /// Finds a model's name inside any string an upstream knows it by: cloud prefixes, dates, deployment names and
    /// inference profile ARNs around it do not matter. A longer number is another version: 4-10 is not 4-1.
    /// </summary>
    public static ModelVersion? Find(string text) => Read(Name().Match(text));

    /// <summary>
    /// The version when <paramref name="text"/> is nothing but a spelling of the model's id: optional cloud prefix,
    /// date and revision.
    /// </summary>
    public static ModelVersion? FindWhole(string text)
    {
        var match = Name().Match(text);
        return match.Success && Prefix().IsMatch(text[..match.Index])
            && Suffix().IsMatch(text[(match.Index + match.Length)..]) ? Read(match) : null;
    }

    private static ModelVersion? Read(Match match)
    {
        if (!match.Success)
        {
            return null;
        }

        var isOldForm = match.Groups["oldFamily"].Success;
        var family = match.Groups[isOldForm ? "oldFamily" : "family"].Value;
        var minor = match.Groups[isOldForm ? "oldMinor" : "minor"];
        return new ModelVersion(
            FamilyName(family),
            int.Parse(
                match.Groups[isOldForm ? "oldMajor" : "major"].ValueSpan,
                NumberStyles.None,
                CultureInfo.InvariantCulture),
            minor.Success ? int.Parse(minor.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) : 0);
    }

    private static string FamilyName(string family) => family.ToUpperInvariant() switch
    {
        "OPUS" => "opus",
        "SONNET" => "sonnet",
        "HAIKU" => "haiku",
        "FABLE" => "fable",
        _ => "mythos",
    };

    // Today's form puts the family first (claude-opus-4-8); before version 4 it came last and a minor was always
    // written (claude-3-5-sonnet).
    [GeneratedRegex(
        @"claude-(?:(?<family>opus|sonnet|haiku|fable|mythos)-(?<major>[4-9]|[1-9][0-9])(?![0-9])(?:[-.](?<minor>[0-9]{1,2})(?![0-9]))?|(?<oldMajor>3)[-.](?<oldMinor>[57])-(?<oldFamily>sonnet|haiku))",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Name();

    [GeneratedRegex(@"^(?:[a-z-]{2,12}\.)?(?:anthropic\.)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Prefix();

    [GeneratedRegex(
        @"^(?:-v[0-9]+)?(?:[-@][0-9]{8}|@default)?(?:-v[0-9]+(?::[0-9]+)?)?(?:\[1m\])?$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Suffix();
}
