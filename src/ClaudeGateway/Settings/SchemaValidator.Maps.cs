using System.Text.Json;
using ClaudeGateway.Json;

namespace ClaudeGateway.Settings;

/// <content>Objects: their keys, closed and guarded against misspelling.</content>
internal sealed partial class SchemaValidator
{
    private void CheckMap(
        string keyword, JsonElement argument, JsonElement schema, JsonElement map, JsonPlace place,
        List<SchemaProblem> problems)
    {
        switch (keyword)
        {
            case "properties":
                CheckProperties(argument, schema, map, place, problems);
                break;
            case "patternProperties":
                CheckPatternProperties(argument, map, place, problems);
                break;
            case "additionalProperties":
                CheckAdditional(argument, schema, map, place, problems);
                break;
            case "propertyNames":
                CheckNames(argument, map, place, problems);
                break;
            case "required":
                CheckRequired(argument, map, place, problems);
                break;
            case "dependentRequired":
                foreach (var dependency in argument.EnumerateObject().Where(d => map.TryGetProperty(d.Name, out _)))
                {
                    CheckRequired(dependency.Value, map, place, problems, $" beside \"{dependency.Name}\"");
                }

                break;
            case "x-typo-guard":
                CheckSpelling(argument.GetInt32(), schema, map, place, problems);
                break;
            case "x-distinct":
                CheckDistinct(argument, map, place, problems);
                break;
            case "x-rule" when argument.ValueEquals(InlineNames):
                CheckInlineNames(map, place, problems);
                break;
        }
    }

    private void CheckProperties(
        JsonElement properties, JsonElement schema, JsonElement map, JsonPlace place, List<SchemaProblem> problems)
    {
        // Only a schema that states the whole object can tell an unknown key; "then" parts state a few keys.
        var isOpen = place.Depth > 0 && schema.TryGetProperty("type", out _) && !IsClosed(schema);
        foreach (var member in map.EnumerateObject())
        {
            if (properties.TryGetProperty(member.Name, out var property))
            {
                Check(property, member.Value, place.Member(member.Name), problems);
            }
            else if (isOpen)
            {
                problems.Add(new SchemaProblem(
                    ProblemSeverity.Warning,
                    place.Member(member.Name),
                    SchemaProblemKind.UnknownKey,
                    "unknown key, served as written",
                    NearestKey.Find(member.Name, properties.EnumerateObject().Select(p => p.Name))));
            }
        }
    }

    private static bool IsClosed(JsonElement schema) =>
        schema.TryGetProperty("additionalProperties", out _) || schema.TryGetProperty("patternProperties", out _)
        || schema.TryGetProperty("x-typo-guard", out _);

    private void CheckPatternProperties(
        JsonElement patterns, JsonElement map, JsonPlace place, List<SchemaProblem> problems)
    {
        foreach (var pattern in patterns.EnumerateObject())
        {
            foreach (var member in map.EnumerateObject().Where(m => SchemaPatterns.IsMatch(pattern.Name, m.Name)))
            {
                var child = place.Member(member.Name);
                // A key listed by name has its own, better message.
                if (!problems.Exists(p => p.Place == child))
                {
                    Check(pattern.Value, member.Value, child, problems);
                }
            }
        }
    }

    private void CheckAdditional(
        JsonElement additional, JsonElement schema, JsonElement map, JsonPlace place, List<SchemaProblem> problems)
    {
        var known = schema.TryGetProperty("properties", out var properties) ? properties : default;
        foreach (var member in map.EnumerateObject())
        {
            if (known.ValueKind == JsonValueKind.Object && known.TryGetProperty(member.Name, out _))
            {
                continue;
            }

            if (additional.ValueKind != JsonValueKind.False)
            {
                Check(additional, member.Value, place.Member(member.Name), problems);
                continue;
            }

            var names = known.ValueKind == JsonValueKind.Object
                ? known.EnumerateObject().Where(p => !IsRefused(p.Value)).Select(p => p.Name)
                : [];
            problems.Add(new SchemaProblem(
                ProblemSeverity.Error,
                place.Member(member.Name),
                SchemaProblemKind.UnknownKey,
                place.Depth == 0 ? "unknown settings key" : "unknown key",
                NearestKey.Find(member.Name, names)));
        }
    }

    private void CheckNames(JsonElement schema, JsonElement map, JsonPlace place, List<SchemaProblem> problems)
    {
        foreach (var member in map.EnumerateObject())
        {
            using var name = JsonDocument.Parse($"\"{JsonEncodedText.Encode(member.Name)}\"");
            var found = CheckAside(schema, name.RootElement, place.Member(member.Name))
                .Find(p => p.Severity == ProblemSeverity.Error);
            if (found is not null)
            {
                problems.Add(Error(found.Place, "the name " + found.Message, found.Suggestion));
            }
        }
    }

    private static void CheckRequired(
        JsonElement names, JsonElement map, JsonPlace place, List<SchemaProblem> problems, string condition = "")
    {
        foreach (var name in names.EnumerateArray().Select(n => n.GetString()!)
            .Where(n => !map.TryGetProperty(n, out _)))
        {
            problems.Add(Error(place, $"\"{name}\" is required{condition}"));
        }
    }

    /// <summary>
    /// In a map that lets unknown keys pass, a near miss of a known key is refused, and so is a top-level key in a
    /// place below: both would be ignored silently by the client.
    /// </summary>
    private void CheckSpelling(
        int maxEdits, JsonElement schema, JsonElement map, JsonPlace place, List<SchemaProblem> problems)
    {
        var isTop = schema.TryGetProperty("x-typo-names", out var listed);
        if (!schema.TryGetProperty("properties", out var properties))
        {
            return;
        }

        List<string> names = isTop
            ? [.. listed.EnumerateArray().Select(n => n.GetString()!)]
            : [.. properties.EnumerateObject().Select(p => p.Name)];
        foreach (var key in map.EnumerateObject().Select(m => m.Name).Where(k => !properties.TryGetProperty(k, out _)))
        {
            var child = place.Member(key);
            if (!isTop && root.GetProperty("properties").TryGetProperty(key, out _))
            {
                problems.Add(Error(child, "belongs to the top level of the block"));
            }
            else if (!isTop && IsRefusedByPattern(key))
            {
                problems.Add(Error(child, "is no key of this place"));
            }
            else if (NearestName.Of(key, names, maxEdits) is { } nearest)
            {
                problems.Add(
                    new SchemaProblem(
                        ProblemSeverity.Error, child, SchemaProblemKind.UnknownKey, "unknown key", nearest));
            }
            else if (!problems.Exists(p => p.Place == child))
            {
                problems.Add(
                    new SchemaProblem(
                        ProblemSeverity.Warning,
                        child,
                        SchemaProblemKind.UnknownKey,
                        "unknown key, served as written"));
            }
        }
    }

    /// <summary>What no key at the top level may be called is refused below it too (measured on 2.1.332).</summary>
    private bool IsRefusedByPattern(string key) => root.TryGetProperty("patternProperties", out var patterns)
        && patterns.EnumerateObject()
        .Any(pattern => IsRefused(pattern.Value) && SchemaPatterns.IsMatch(pattern.Name, key));

    private static void CheckDistinct(JsonElement keys, JsonElement map, JsonPlace place, List<SchemaProblem> problems)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var key in keys.EnumerateArray().Select(k => k.GetString()!))
        {
            if (map.TryGetProperty(key, out var value) && !seen.Add(value.ToString()))
            {
                problems.Add(
                    Error(
                        place.Member(key),
                        $"{string.Join(", ", keys.EnumerateArray().Select(k => k.GetString()))} must differ"));
            }
        }
    }

    /// <summary>x-rule: an inline marketplace is found under its own name only.</summary>
    private static void CheckInlineNames(JsonElement map, JsonPlace place, List<SchemaProblem> problems)
    {
        foreach (var member in map.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Object
                && member.Value.TryGetProperty("source", out var source) && source.ValueKind == JsonValueKind.Object
                && source.TryGetProperty("source", out var kind) && kind.ValueKind == JsonValueKind.String
                && kind.ValueEquals("settings")
                && source.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
                && !name.ValueEquals(member.Name))
            {
                problems.Add(
                    Error(
                        place.Member(member.Name).Member("source").Member("name"),
                        "an inline source has the name of its key"));
            }
        }
    }
}
