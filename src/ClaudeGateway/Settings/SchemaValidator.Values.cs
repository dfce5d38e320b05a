using System.Globalization;
using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Settings;

/// <content>Types, constants, texts, numbers and lists.</content>
internal sealed partial class SchemaValidator
{
    private const int MaxPrintedPattern = 60;

    private static bool CheckType(JsonElement types, JsonElement value, JsonPlace place, List<SchemaProblem> problems)
    {
        var allowed = types.ValueKind == JsonValueKind.Array
            ? [.. types.EnumerateArray().Select(t => t.GetString()!)]
            : new List<string> { types.GetString()! };
        if (allowed.Exists(type => IsOfType(value, type)))
        {
            return true;
        }

        List<string> expected = [.. allowed.Select(Article)];
        problems.Add(
            new SchemaProblem(
                ProblemSeverity.Error,
                place,
                SchemaProblemKind.WrongType,
                $"must be {Or(expected)}, not {Article(value)}",
                Expected: expected));
        return false;
    }

    private static bool IsOfType(JsonElement value, string type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && double.IsInteger(value.GetDouble()),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => throw new NotSupportedException($"the settings schema names the type \"{type}\""),
    };

    private static string Article(string type) => type switch
    {
        "object" => "a map",
        "array" => "a list",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "null" => "null",
        _ => "a " + type,
    };

    private static string Article(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "a map",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => double.IsInteger(value.GetDouble()) ? "a number" : "a fraction",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };

    private static void CheckConstants(
        string keyword, JsonElement argument, JsonElement value, JsonPlace place, List<SchemaProblem> problems)
    {
        var allowed = keyword == "const" ? [argument] : argument.EnumerateArray().ToList();
        if (allowed.Exists(a => JsonElement.DeepEquals(a, value)))
        {
            return;
        }

        var words = allowed.ConvertAll(
            a =>
                a.ValueKind == JsonValueKind.String
                ? a.GetString() is { Length: > 0 } text ? text : "\"\""
                : a.GetRawText());
        var suggestion = value.ValueKind == JsonValueKind.String ? NearestKey.Find(value.GetString()!, words) : null;
        problems.Add(
            new SchemaProblem(
                ProblemSeverity.Error,
                place,
                SchemaProblemKind.WrongConstant,
                "must be " + Or(words),
                suggestion,
                words));
    }

    private static void CheckText(
        string keyword, JsonElement argument, JsonElement schema, string text, JsonPlace place,
        List<SchemaProblem> problems)
    {
        // Lengths are UTF-16 code units, as a JavaScript client counts.
        var problem = keyword switch
        {
            "pattern" =>
                SchemaPatterns.IsMatch(argument.GetString()!, text)
                ? null
                : BreaksPattern(argument.GetString()!, schema, text, place),
            "minLength" when text.Length < argument.GetInt32() =>
                Error(
                    place,
                    text.Length == 0 ? "must not be empty" : $"must have at least {argument.GetInt32()} characters"),
            "maxLength" when text.Length > argument.GetInt32() =>
                Error(place, $"must have at most {argument.GetInt32()} characters, not {text.Length}"),
            "x-number" => OutOfRange(argument, text, place),
            "format" when argument.GetString() == "regex" && !SchemaPatterns.IsExpression(text) =>
                Error(place, "must be a regular expression"),
            _ => null,
        };
        if (problem is not null)
        {
            problems.Add(problem);
        }
    }

    private static SchemaProblem BreaksPattern(string pattern, JsonElement schema, string text, JsonPlace place)
    {
        if (pattern == @"\S")
        {
            return Error(place, "must not be blank");
        }

        var rule = Description(schema)
            ?? (pattern.StartsWith("^[hH][tT][tT][pP][sS]:", StringComparison.Ordinal) ? "an https:// URL"
            : pattern.Length <= MaxPrintedPattern ? "pattern " + pattern
            : null);
        var capitalised = text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];
        var suggestion = capitalised != text && SchemaPatterns.IsMatch(pattern, capitalised) ? capitalised : null;
        return Error(place, "does not have the allowed form" + (rule is null ? "" : $" ({rule})"), suggestion);
    }

    /// <summary>
    /// A whole number written as text in any way JavaScript reads ("24", "24.0", "0x18"; measured on 2.1.332), and its
    /// bounds; an upper bound of null is none.
    /// </summary>
    private static SchemaProblem? OutOfRange(JsonElement bounds, string text, JsonPlace place)
    {
        var (low, high) = (
            bounds[0].GetDouble(), bounds[1].ValueKind == JsonValueKind.Null ? double.MaxValue : bounds[1].GetDouble());
        return !string.IsNullOrWhiteSpace(text) && JavaScriptNumber.Parse(text) is { } number
            && double.IsInteger(number) && number >= low && number <= high
            ? null
            : Error(place, "must be a whole number, " + Range(bounds));
    }

    private static string Range(JsonElement bounds) => bounds[1].ValueKind == JsonValueKind.Null
        ? $"at least {bounds[0].GetRawText()}"
        : $"{bounds[0].GetRawText()} to {bounds[1].GetRawText()}";

    private static void CheckBound(
        string keyword, JsonElement argument, double number, JsonPlace place, List<SchemaProblem> problems)
    {
        var bound = argument.GetDouble();
        var (fits, words) = keyword switch
        {
            "minimum" => (number >= bound, "at least"),
            "maximum" => (number <= bound, "at most"),
            _ => (number > bound, "above"),
        };
        if (!fits)
        {
            problems.Add(Error(place, $"must be {words} {Number(bound)}"));
        }
    }

    private void CheckList(
        string keyword, JsonElement argument, JsonElement list, JsonPlace place, List<SchemaProblem> problems)
    {
        switch (keyword)
        {
            case "items":
                var index = 0;
                foreach (var item in list.EnumerateArray())
                {
                    Check(argument, item, place.Item(index++), problems);
                }

                break;
            case "minItems" when list.GetArrayLength() < argument.GetInt32():
                problems.Add(
                    Error(
                        place,
                        argument.GetInt32() == 1
                        ? "must not be empty"
                        : $"must have at least {argument.GetInt32()} entries"));
                break;
            case "maxItems" when list.GetArrayLength() > argument.GetInt32():
                problems.Add(Error(place, $"must have at most {argument.GetInt32()} entries"));
                break;
            case "x-unique":
                CheckUnique(argument.GetString()!, list, place, problems);
                break;
        }
    }

    private static void CheckUnique(string key, JsonElement list, JsonPlace place, List<SchemaProblem> problems)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Object && item.TryGetProperty(key, out var name)
                && name.ValueKind == JsonValueKind.String && !seen.Add(name.GetString()!))
            {
                problems.Add(Error(place.Item(index).Member(key), $"another entry has the same {key}"));
            }

            index++;
        }
    }

    private static string Number(double number) => number.ToString(CultureInfo.InvariantCulture);
}
