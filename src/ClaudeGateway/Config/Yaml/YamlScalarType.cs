using System.Globalization;
using System.Text.RegularExpressions;
using ClaudeGateway.Json;
using ClaudeGateway.Settings;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace ClaudeGateway.Config.Yaml;

/// <summary>
/// Types of plain scalars by the core schema (YAML 1.2.2 section 10.3.2): <c>yes</c> and <c>0777</c> are no boolean and
/// no octal number.
/// </summary>
internal static partial class YamlScalarType
{
    public static YamlScalar Resolve(Scalar scalar, ConfigPosition position)
    {
        var text = scalar.Value;
        var isText = scalar.Style is not ScalarStyle.Plain
            || (!scalar.Tag.IsEmpty && scalar.Tag.Value == "tag:yaml.org,2002:str");
        if (isText)
        {
            return new YamlScalar(position, ScalarType.Text, text, 0);
        }

        return text switch
        {
            "" or "~" or "null" or "Null" or "NULL" => new YamlScalar(position, ScalarType.Null, text, 0),
            "true" or "True" or "TRUE" => new YamlScalar(position, ScalarType.True, text, 0),
            "false" or "False" or "FALSE" => new YamlScalar(position, ScalarType.False, text, 0),
            _ => Number(text) is { } number
                ? new YamlScalar(position, ScalarType.Number, text, number)
                : new YamlScalar(position, ScalarType.Text, text, 0),
        };
    }

    private static double? Number(string text)
    {
        if (Decimal().IsMatch(text))
        {
            return double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        }

        if (text.StartsWith("0x", StringComparison.Ordinal) || text.StartsWith("0o", StringComparison.Ordinal))
        {
            return JavaScriptNumber.Parse(text);
        }

        return text switch
        {
            ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" => double.PositiveInfinity,
            "-.inf" or "-.Inf" or "-.INF" => double.NegativeInfinity,
            ".nan" or ".NaN" or ".NAN" => double.NaN,
            _ => null,
        };
    }

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Decimal();
}
