using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;
using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Json;

namespace ClaudeGateway.Config.Shapes;

/// <summary>A string; numbers and booleans must be quoted, as in the reference.</summary>
internal sealed class TextShape(int minLength, int maxLength, bool isSecret) : Shape<string>
{
    public override string Name => (minLength, maxLength) switch
    {
        ( <= 1, int.MaxValue) => "text",
        (_, int.MaxValue) => $"text, at least {minLength} characters",
        _ => $"text, {minLength} to {maxLength} characters",
    };

    public override bool IsSecret => isSecret;

    public override JsonObject Schema()
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (minLength > 0)
        {
            // A reference such as ${X} stands for a longer value.
            schema["minLength"] = Math.Min(minLength, 1);
        }

        return schema;
    }

    public override bool TryRead(ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out string value)
    {
        value = null;
        if (node is UnexpandedNode)
        {
            return false;
        }

        if (node is not ConfigScalar { Type: ScalarType.Text } text)
        {
            reading.Problem(
                node,
                $"must be text, {Got(node)}"
                + (node is ConfigScalar { Type: not ScalarType.Null } ? "; put it in quotes" : ""));
            return false;
        }

        value = text.Text;
        if (value.Length >= minLength && value.Length <= maxLength)
        {
            return true;
        }

        reading.Problem(node, (value.Length, maxLength) switch
        {
            (0, _) => text.IsExpanded ? "must not be empty, and what it refers to is" : "must not be empty",
            (_, int.MaxValue) => $"must have at least {minLength} characters, got {value.Length}",
            _ => $"must have {minLength} to {maxLength} characters, got {value.Length}",
        });
        return false;
    }
}

/// <summary><c>true</c> or <c>false</c>, unquoted.</summary>
internal sealed class FlagShape : Shape<bool>
{
    public override string Name => "true or false";

    public override JsonObject Schema() => new() { ["type"] = "boolean" };

    public override bool TryRead(ConfigNode node, ConfigReading reading, out bool value)
    {
        value = node is ConfigScalar { Type: ScalarType.True };
        if (value || node is ConfigScalar { Type: ScalarType.False })
        {
            return true;
        }

        if (node is not UnexpandedNode)
        {
            reading.Problem(node, $"must be true or false (unquoted), {Got(node)}");
        }

        return false;
    }
}

/// <summary>What else a number may be written as. The reference differs from key to key.</summary>
internal enum NumberSpelling
{
    /// <summary>
    /// Whatever JavaScript turns into a number: text that spells one (so that <c>${VAR}</c> works), booleans, nothing
    /// at all.
    /// </summary>
    Coerced,

    /// <summary>A number, or text of digits alone.</summary>
    Digits,

    /// <summary>A number and nothing else.</summary>
    Strict,
}

/// <summary>A number within bounds.</summary>
internal sealed class NumberShape(
    bool isWhole,
    double min,
    double max,
    bool minIsExcluded,
    NumberSpelling spelling = NumberSpelling.Coerced) : Shape<double>
{
    public override string Name => (isWhole ? "integer" : "number") + Bounds();

    public override JsonObject Schema()
    {
        var number = new JsonObject { ["type"] = isWhole ? "integer" : "number" };
        if (double.IsFinite(min))
        {
            number[minIsExcluded ? "exclusiveMinimum" : "minimum"] = min;
        }

        if (double.IsFinite(max))
        {
            number["maximum"] = max;
        }

        if (spelling is NumberSpelling.Strict)
        {
            return number;
        }

        return new JsonObject
        {
            ["anyOf"] = new JsonArray(
            number, new JsonObject { ["type"] = "string", ["pattern"] = @"^(\$\{.+\}|[-+0-9.eE]+)$" })
        };
    }

    public override bool TryRead(ConfigNode node, ConfigReading reading, out double value)
    {
        value = 0;
        if (node is UnexpandedNode)
        {
            return false;
        }

        if (node is not ConfigScalar scalar || Coerce(scalar) is not { } number || double.IsNaN(number))
        {
            reading.Problem(node, $"must be {Article()}{Bounds()}, {Got(node)}");
            return false;
        }

        value = number;
        var isInside = (minIsExcluded ? number > min : number >= min) && number <= max && double.IsFinite(number);
        if (!isInside || (isWhole && number != Math.Floor(number)))
        {
            reading.Problem(node, $"must be {Article()}{Bounds()}, {Got(node)}");
            return false;
        }

        if (scalar.Type is ScalarType.Null)
        {
            reading.Warn(node, "has no value and is read as 0");
        }

        return true;
    }

    private double? Coerce(ConfigScalar scalar) => scalar.Type switch
    {
        ScalarType.Number => scalar.Number,
        _ when spelling is NumberSpelling.Strict => null,
        ScalarType.Text when spelling is NumberSpelling.Digits
        && !(scalar.Text.Length > 0 && scalar.Text.All(char.IsAsciiDigit)) => null,
        not ScalarType.Text when spelling is NumberSpelling.Digits => null,
        ScalarType.True => 1,
        ScalarType.False or ScalarType.Null => 0,
        _ => JavaScriptNumber.Parse(scalar.Text),
    };

    private string Article() => isWhole ? "an integer" : "a number";

    private string Bounds() => (double.IsFinite(min), double.IsFinite(max)) switch
    {
        (true, true) =>
            minIsExcluded ? $" above {Text(min)}, at most {Text(max)}" : $" from {Text(min)} to {Text(max)}",
        (true, false) => minIsExcluded ? $" above {Text(min)}" : $", at least {Text(min)}",
        (false, true) => $", at most {Text(max)}",
        _ => "",
    };

    private static string Text(double number) => number.ToString("0.################", CultureInfo.InvariantCulture);
}

/// <summary>One of a few words, each standing for a value.</summary>
internal sealed class ChoiceShape<T>(IReadOnlyList<(string Word, T Value)> choices) : Shape<T>
{
    public override string Name =>
        string.Join(", ", choices.Take(choices.Count - 1).Select(choice => choice.Word)) + " or " + choices[^1].Word;

    public override JsonObject Schema() => new()
    {
        ["anyOf"] = new JsonArray(
            new JsonObject { ["enum"] = new JsonArray([.. choices.Select(choice => JsonValue.Create(choice.Word))]) },
            new JsonObject { ["type"] = "string", ["pattern"] = @"\$\{.+\}" }),
    };

    public override bool TryRead(ConfigNode node, ConfigReading reading, [MaybeNullWhen(false)] out T value)
    {
        value = default;
        if (node is UnexpandedNode)
        {
            return false;
        }

        var word = node is ConfigScalar { Type: ScalarType.Text } text ? text.Text : null;
        foreach (var choice in choices)
        {
            if (string.Equals(choice.Word, word, StringComparison.Ordinal))
            {
                value = choice.Value;
                return true;
            }
        }

        var suggestion = word is null ? "" : NearestKey.Suggestion(word, choices.Select(choice => choice.Word));
        reading.Problem(node, $"must be {Name}, {Got(node)}{suggestion}");
        return false;
    }
}
