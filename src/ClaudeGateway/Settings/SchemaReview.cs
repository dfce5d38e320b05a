using System.Text.Json;

namespace ClaudeGateway.Settings;

/// <summary>
/// Looks through a schema that is not ours before documents are checked with it: everything the validator takes for
/// granted. A keyword it does not know is a warning and has no effect, so that a file written for a newer release stops
/// no boot.
/// </summary>
/// <param name="whole">The schema with what it was laid over: references may point into either.</param>
internal sealed class SchemaReview(JsonElement whole)
{
    /// <summary>References followed at one place; more is a circle or a file nobody wrote.</summary>
    private const int MaxReferences = 64;

    private const string Definitions = "#/$defs/";
    private static readonly string[] Types = ["object", "array", "string", "number", "integer", "boolean", "null"];
    private static readonly string[] InPlace = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "x-expected"];

    private readonly List<SchemaProblem> _problems = [];
    private readonly Dictionary<string, (JsonPlace First, int Count)> _ignored = new(StringComparer.Ordinal);

    /// <summary>Errors in document order, then one warning for each kind of thing that has no effect.</summary>
    public static IReadOnlyList<SchemaProblem> Of(JsonElement schema, JsonElement whole, JsonPlace place)
    {
        var review = new SchemaReview(whole);
        review.Schema(schema, place);
        if (review._problems.Count == 0)
        {
            review.Circles(place);
        }

        return [.. review._problems, .. review._ignored.Select(entry => new SchemaProblem(
            ProblemSeverity.Warning,
            entry.Value.First,
            SchemaProblemKind.UnknownKey,
            $"{entry.Key} is not known to this release and has no effect"
            + (entry.Value.Count > 1 ? $", nor at {entry.Value.Count - 1} more places" : "")))];
    }

    private void Schema(JsonElement schema, JsonPlace place)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return;
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            Error(place, "must be a schema: a map, true or false");
            return;
        }

        foreach (var keyword in schema.EnumerateObject())
        {
            Keyword(keyword.Name, keyword.Value, place.Member(keyword.Name));
        }
    }

    private void Keyword(string keyword, JsonElement argument, JsonPlace place)
    {
        switch (keyword)
        {
            case "$schema" or "$id" or "$comment" or "title" or "default" or "examples" or "deprecated" or "readOnly"
                or "writeOnly" or "const" or "x-unchecked":
                break;
            case "not" or "if" or "then" or "else" or "items" or "additionalProperties" or "propertyNames"
                or "x-expected":
                Schema(argument, place);
                break;
            case "allOf" or "anyOf" or "oneOf":
                foreach (var (item, at) in Items(argument, place, "schemas"))
                {
                    Schema(item, at);
                }

                break;
            case "properties" or "patternProperties" or "$defs":
                foreach (var (name, schema, at) in Members(argument, place, "schemas"))
                {
                    Schema(schema, at);
                    Must(
                        keyword != "patternProperties" || SchemaPatterns.IsExpression(name),
                        at,
                        "has a name that is no regular expression");
                }

                break;
            case "required" or "x-distinct" or "x-settable" or "x-typo-names":
                Texts(argument, place);
                break;
            case "dependentRequired":
                foreach (var (_, names, at) in Members(argument, place, "lists of keys"))
                {
                    Texts(names, at);
                }

                break;
            case "enum":
                _ = Items(argument, place, "values");
                break;
            default:
                Value(keyword, argument, place);
                break;
        }
    }

    private void Value(string keyword, JsonElement argument, JsonPlace place)
    {
        var text = argument.ValueKind == JsonValueKind.String ? argument.GetString() : null;
        switch (keyword)
        {
            case "description" or "format" or "x-unique" or "x-needs" or "x-instead":
                Must(text is not null, place, "must be a text");
                break;
            case "type":
                Must(
                    text is not null || argument.ValueKind == JsonValueKind.Array,
                    place,
                    "must be a type or a list of types");
                foreach (var (name, at) in text is null ? Items(argument, place, "types") : [(argument, place)])
                {
                    Must(
                        name.ValueKind == JsonValueKind.String && Types.Contains(name.GetString()),
                        at,
                        $"must be one of {string.Join(", ", Types)}");
                }

                break;
            case "$ref":
                Must(
                    text is not null && Definition(text) is not null,
                    place,
                    $"refers to nothing: write {Definitions}NAME, with NAME among the $defs of this document or of the "
                        + "built-in one");
                break;
            case "pattern":
                Must(text is not null && SchemaPatterns.IsExpression(text), place, "must be a regular expression");
                break;
            case "minLength" or "maxLength" or "minItems" or "maxItems" or "x-typo-guard":
                Must(
                    argument.ValueKind == JsonValueKind.Number && argument.TryGetInt32(out var count) && count >= 0,
                    place,
                    "must be a whole number, 0 or more");
                break;
            case "minimum" or "maximum" or "exclusiveMinimum":
                Must(argument.ValueKind == JsonValueKind.Number, place, "must be a number");
                break;
            case "x-number":
                Must(
                    argument.ValueKind == JsonValueKind.Array && argument.GetArrayLength() == 2
                    && argument[0].ValueKind == JsonValueKind.Number
                    && argument[1].ValueKind is JsonValueKind.Number or JsonValueKind.Null,
                    place,
                    "must be [least, most]; most may be null");
                break;
            case "x-merge":
                Must(
                    text is not null && MergeRules.Find(text) is not null,
                    place,
                    $"must be one of: {string.Join(" | ", MergeRules.Names)}; a key that is replaced whole has no "
                        + "x-merge");
                break;
            case "x-serve" when text is not null && DesktopText.ServedForms.Contains(text):
            case "x-rule" when text == SchemaValidator.InlineNames:
                break;
            case "x-serve" or "x-rule":
                Ignore($"this value of {keyword}", place);
                break;
            default:
                Ignore($"keyword {keyword}", place);
                break;
        }
    }

    /// <summary>
    /// References that lead back to themselves without a step into the value would be followed for ever.
    /// </summary>
    private void Circles(JsonPlace place)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        if (!whole.TryGetProperty("$defs", out var definitions))
        {
            return;
        }

        foreach (var name in definitions.EnumerateObject().Select(d => d.Name))
        {
            if (!Ends(name, [], done))
            {
                Error(
                    place.Member("$defs").Member(name),
                    $"leads back to itself, or over more than {MaxReferences} references, without a step into the "
                        + "value");
                return;
            }
        }
    }

    private bool Ends(string name, List<string> above, HashSet<string> done)
    {
        if (done.Contains(name))
        {
            return true;
        }

        if (above.Contains(name) || above.Count > MaxReferences)
        {
            return false;
        }

        var ends = References(Definition(Definitions + name)
            ?? default).All(next => Ends(next, [.. above, name], done));
        done.Add(name);
        return ends;
    }

    private static IEnumerable<string> References(JsonElement schema)
    {
        if (schema.ValueKind == JsonValueKind.Array)
        {
            return schema.EnumerateArray().SelectMany(References);
        }

        return schema.ValueKind != JsonValueKind.Object ? [] :
        [
            .. schema.TryGetProperty("$ref", out var reference)
            ? [reference.GetString()![Definitions.Length..]]
            : Array.Empty<string>(),
            .. InPlace.SelectMany(keyword => schema.TryGetProperty(keyword, out var inner) ? References(inner) : []),
        ];
    }

    private JsonElement? Definition(string reference) => reference.StartsWith(Definitions, StringComparison.Ordinal)
        && whole.TryGetProperty("$defs", out var definitions) && definitions.ValueKind == JsonValueKind.Object
        && definitions.TryGetProperty(reference[Definitions.Length..], out var found) ? found : null;

    private List<(JsonElement Item, JsonPlace Place)> Items(JsonElement list, JsonPlace place, string what)
    {
        if (list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0)
        {
            return [.. list.EnumerateArray().Select((item, i) => (item, place.Item(i)))];
        }

        Error(place, $"must be a list of {what}, at least one");
        return [];
    }

    private List<(string Name, JsonElement Value, JsonPlace Place)> Members(
        JsonElement map, JsonPlace place, string what)
    {
        if (map.ValueKind == JsonValueKind.Object)
        {
            return [.. map.EnumerateObject().Select(member => (member.Name, member.Value, place.Member(member.Name)))];
        }

        Error(place, $"must be a map of {what}");
        return [];
    }

    private void Texts(JsonElement list, JsonPlace place) =>
        Must(
            list.ValueKind == JsonValueKind.Array
            && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String),
            place,
            "must be a list of texts");

    private void Must(bool holds, JsonPlace place, string message)
    {
        if (!holds)
        {
            Error(place, message);
        }
    }

    private void Error(JsonPlace place, string message) =>
        _problems.Add(new SchemaProblem(ProblemSeverity.Error, place, SchemaProblemKind.Value, message));

    private void Ignore(string what, JsonPlace place) =>
        _ignored[what] = _ignored.TryGetValue(what, out var known)
        ? known with { Count = known.Count + 1 }
        : (place, 1);
}
