using System.Text.Json;

namespace ClaudeGateway.Settings;

/// <summary>
/// Checks a document against a JSON Schema (draft 2020-12): exactly the keywords the two settings schemas use, and
/// their x- keywords for what JSON Schema cannot say. A keyword it does not know has no effect;
/// <see cref="SchemaReview"/> tells of those.
/// </summary>
internal sealed partial class SchemaValidator(JsonElement root)
{
    /// <summary>The one value of x-rule: it names a rule in words because nothing else could say it.</summary>
    public const string InlineNames = "an inline (settings) source's name equals its key";

    public List<SchemaProblem> Check(JsonElement value)
    {
        var problems = new List<SchemaProblem>();
        Check(root, value, JsonPlace.Root, problems);
        return problems;
    }

    private void Check(JsonElement schema, JsonElement value, JsonPlace place, List<SchemaProblem> problems)
    {
        if (schema.ValueKind == JsonValueKind.True)
        {
            return;
        }

        if (schema.ValueKind == JsonValueKind.False)
        {
            problems.Add(Error(place, "must not be set here"));
            return;
        }

        if (schema.TryGetProperty("type", out var types) && !CheckType(types, value, place, problems))
        {
            // The other keywords would only repeat it in other words.
            return;
        }

        foreach (var keyword in schema.EnumerateObject())
        {
            Check(keyword.Name, keyword.Value, schema, value, place, problems);
        }
    }

    private void Check(
        string keyword, JsonElement argument, JsonElement schema, JsonElement value, JsonPlace place,
        List<SchemaProblem> problems)
    {
        switch (keyword)
        {
            case "$schema" or "$id" or "$defs" or "title" or "description" or "type" or "then" or "else":
            case "x-settable" or "x-typo-names" or "x-merge" or "x-unchecked" or "x-serve" or "x-needs" or "x-instead":
                break;
            case "$ref":
                CheckReference(argument.GetString()!, value, place, problems);
                break;
            case "const" or "enum":
                CheckConstants(keyword, argument, value, place, problems);
                break;
            case "anyOf" or "oneOf":
                CheckAlternatives(keyword, argument, value, place, problems);
                break;
            case "allOf":
                CheckAll(argument, value, place, problems);
                break;
            case "not":
                CheckNot(argument, schema, value, place, problems);
                break;
            case "if":
                CheckCondition(argument, schema, value, place, problems);
                break;
            case "x-expected":
                CheckExpected(argument, value, place, problems);
                break;
            default:
                CheckByKind(keyword, argument, schema, value, place, problems);
                break;
        }
    }

    /// <summary>Keywords that speak of one kind of value and let every other pass.</summary>
    private void CheckByKind(
        string keyword, JsonElement argument, JsonElement schema, JsonElement value, JsonPlace place,
        List<SchemaProblem> problems)
    {
        switch (keyword)
        {
            case "pattern" or "minLength" or "maxLength" or "format" or "x-number":
                if (value.ValueKind == JsonValueKind.String)
                {
                    CheckText(keyword, argument, schema, value.GetString()!, place, problems);
                }

                break;
            case "minimum" or "maximum" or "exclusiveMinimum":
                if (value.ValueKind == JsonValueKind.Number)
                {
                    CheckBound(keyword, argument, value.GetDouble(), place, problems);
                }

                break;
            case "items" or "minItems" or "maxItems" or "x-unique":
                if (value.ValueKind == JsonValueKind.Array)
                {
                    CheckList(keyword, argument, value, place, problems);
                }

                break;
            case "properties" or "patternProperties" or "additionalProperties" or "propertyNames" or "required"
                or "dependentRequired" or "x-typo-guard" or "x-distinct" or "x-rule":
                if (value.ValueKind == JsonValueKind.Object)
                {
                    CheckMap(keyword, argument, schema, value, place, problems);
                }

                break;
        }
    }

    private void CheckReference(string reference, JsonElement value, JsonPlace place, List<SchemaProblem> problems)
    {
        if (reference != "#/$defs/bool")
        {
            Check(Resolve(reference), value, place, problems);
        }
        else if (HasErrors(CheckAside(Resolve(reference), value, place)))
        {
            // It also takes 0, 1 and texts; nobody should be told to write those.
            problems.Add(Error(place, "must be true or false"));
        }
    }

    private JsonElement Resolve(string reference)
    {
        const string Definitions = "#/$defs/";
        return reference.StartsWith(Definitions, StringComparison.Ordinal)
            ? root.GetProperty("$defs").GetProperty(reference[Definitions.Length..])
            : throw new NotSupportedException(
                $"the settings schema refers to \"{reference}\"; only {Definitions} is known");
    }

    private static SchemaProblem Error(JsonPlace place, string message, string? suggestion = null) =>
        new(ProblemSeverity.Error, place, SchemaProblemKind.Value, message, suggestion);

    private static string? Description(JsonElement schema) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("description", out var text)
        ? text.GetString()
        : null;

    private static bool HasErrors(List<SchemaProblem> problems) =>
        problems.Exists(p => p.Severity == ProblemSeverity.Error);
}
