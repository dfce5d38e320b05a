using System.Text.Json.Nodes;
using ClaudeGateway.Managed.Schema;

namespace ClaudeGateway.Managed;

/// <summary>
/// Lays one document over another, key by key (spec/policy.md, Merge; spec/settings.md, Merge). Which rule a key follows is
/// the schema's word, so that a new key of a client release merges as it should. Inputs are not changed.
/// </summary>
internal sealed class PolicyMerge(SettingsSchema schema)
{
    private const string Deny = "deny";
    private const string Ask = "ask";

    /// <summary>The documents folded from the first, the most general, to the last, whose word counts most.</summary>
    public JsonObject Fold(IEnumerable<JsonObject> documents)
    {
        JsonObject? folded = null;
        foreach (var document in documents)
        {
            folded = folded is null ? (JsonObject)document.DeepClone() : Over(folded, document);
        }

        return folded ?? [];
    }

    public JsonObject Over(JsonObject below, JsonObject above)
    {
        var merged = (JsonObject)below.DeepClone();
        foreach (var (key, value) in above)
        {
            merged[key] = below.TryGetPropertyValue(key, out var existing)
                ? Merge(schema.MergeRuleOf(key), existing, value)
                : value?.DeepClone();
        }

        return merged;
    }

    private static JsonNode? Merge(MergeRule rule, JsonNode? below, JsonNode? above) => (rule, below, above) switch
    {
        (MergeRule.Union, JsonArray a, JsonArray b) => Union(a, b),
        (MergeRule.Shallow, JsonObject a, JsonObject b) => PerKey(a, b, static (_, _, value) => value?.DeepClone()),
        (MergeRule.UnionPerKey, JsonObject a, JsonObject b) => PerKey(a, b, static (_, low, high) => Merge(MergeRule.Union, low, high)),
        (MergeRule.Permissions, JsonObject a, JsonObject b) => PerKey(a, b, static (key, low, high) => Merge(key is Deny or Ask ? MergeRule.Union : MergeRule.Replace, low, high)),
        (MergeRule.BaseRestricts, JsonObject a, JsonObject b) => PerKey(a, b, static (_, low, high) => (IsAllow(low) ? high : low)?.DeepClone()),
        _ => above?.DeepClone(),
    };

    private static JsonObject PerKey(JsonObject below, JsonObject above, Func<string, JsonNode?, JsonNode?, JsonNode?> merge)
    {
        var merged = (JsonObject)below.DeepClone();
        foreach (var (key, value) in above)
        {
            merged[key] = below.TryGetPropertyValue(key, out var existing) ? merge(key, existing, value) : value?.DeepClone();
        }

        return merged;
    }

    private static JsonArray Union(JsonArray below, JsonArray above)
    {
        var union = new JsonArray();
        foreach (var item in below.Concat(above))
        {
            if (!union.Any(other => JsonNode.DeepEquals(other, item)))
            {
                union.Add(item?.DeepClone());
            }
        }

        return union;
    }

    private static bool IsAllow(JsonNode? value) => value is JsonValue text && text.TryGetValue<string>(out var word) && word == "allow";
}
