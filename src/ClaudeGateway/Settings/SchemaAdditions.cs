using System.Text.Json;
using System.Text.Json.Nodes;

namespace ClaudeGateway.Settings;

/// <summary>
/// Lays a schema over the built-in one (<c>managed.settings_schema</c>). Keys, definitions and name patterns the
/// addition lacks stay known; of a map with named keys (<c>hooks</c>, <c>permissions</c>) it may state only the new
/// ones; lists of allowed values grow; what else it says of a name replaces what was said.
/// </summary>
internal static class SchemaAdditions
{
    private const string Properties = "properties";
    private const string Settable = "x-settable";
    private const string TypoNames = "x-typo-names";

    public static JsonElement Over(JsonElement builtIn, JsonElement added)
    {
        var below = JsonNode.Parse(builtIn.GetRawText())!.AsObject();
        var above = JsonNode.Parse(added.GetRawText())!.AsObject();
        var merged = Maps(below, above);
        NameNewKeys(merged, below, above);
        return JsonElement.Parse(merged.ToJsonString());
    }

    private static JsonNode? Schemas(JsonNode? below, JsonNode? above) => (below, above) switch
    {
        (JsonObject a, JsonObject b) when a[Properties] is JsonObject && b[Properties] is JsonObject => Maps(a, b),
        (JsonObject a, JsonObject b) when a["enum"] is JsonArray have && b["enum"] is JsonArray more =>
            Grown(b, have, more),
        _ => above?.DeepClone(),
    };

    private static JsonObject Maps(JsonObject below, JsonObject above)
    {
        var merged = below.DeepClone().AsObject();
        foreach (var (keyword, value) in above)
        {
            merged[keyword] = (keyword, merged[keyword], value) switch
            {
                (Properties or "$defs" or "patternProperties", JsonObject a, JsonObject b) => Names(a, b),
                (Settable or TypoNames, JsonArray a, JsonArray b) => Union(a, b),
                _ => value?.DeepClone(),
            };
        }

        return merged;
    }

    private static JsonObject Names(JsonObject below, JsonObject above)
    {
        var merged = below.DeepClone().AsObject();
        foreach (var (name, schema) in above)
        {
            merged[name] = Schemas(below[name], schema);
        }

        return merged;
    }

    private static JsonObject Grown(JsonObject above, JsonArray have, JsonArray more)
    {
        var grown = above.DeepClone().AsObject();
        grown["enum"] = Union(have, more);
        return grown;
    }

    private static JsonArray Union(JsonArray below, JsonArray above)
    {
        var union = below.DeepClone().AsArray();
        foreach (var item in above.Where(item => !below.Any(other => JsonNode.DeepEquals(other, item))))
        {
            union.Add(item?.DeepClone());
        }

        return union;
    }

    /// <summary>
    /// A Desktop key is also listed by name; an addition that only states the key's schema means that too.
    /// </summary>
    private static void NameNewKeys(JsonObject merged, JsonObject below, JsonObject above)
    {
        foreach (var list in (string[])[Settable, TypoNames])
        {
            if (merged[list] is JsonArray names && !above.ContainsKey(list)
                && above[Properties] is JsonObject properties)
            {
                var fresh = properties.Where(
                    p =>
                        below[Properties]![p.Key] is null
                        && !SchemaValidator.IsRefused(JsonElement.Parse(p.Value?.ToJsonString() ?? "null")));
                merged[list] = Union(names, [.. fresh.Select(p => JsonValue.Create(p.Key))]);
            }
        }
    }
}
