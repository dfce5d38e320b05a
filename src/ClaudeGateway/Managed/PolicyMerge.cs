using System.Text.Json.Nodes;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Managed;

/// <summary>
/// Lays one document over another, key by key (spec/policy.md, Merge; spec/settings.md, Merge). Which rule a key
/// follows is the schema's word, so that a new key of a client release merges as it should. Inputs are not changed.
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

    public JsonObject Over(JsonObject below, JsonObject above) => PerKey(below, above, schema.MergeRuleOf);

    private static JsonNode? Merge(MergeRule rule, JsonNode? below, JsonNode? above) => (rule, below, above) switch
    {
        (MergeRule.Union, JsonArray a, JsonArray b) => Union(a, b),
        (MergeRule.Shallow, JsonObject a, JsonObject b) => PerKey(a, b, static _ => MergeRule.Replace),
        (MergeRule.UnionPerKey, JsonObject a, JsonObject b) => PerKey(a, b, static _ => MergeRule.Union),
        (MergeRule.Permissions, JsonObject a, JsonObject b) =>
            PerKey(a, b, static key => key is Deny or Ask ? MergeRule.Union : MergeRule.Replace),
        (MergeRule.BaseRestricts, JsonObject a, JsonObject b) => PerKey(a, b, static _ => MergeRule.BaseRestricts),
        (MergeRule.BaseRestricts, JsonValue a, JsonValue) when !IsAllow(a) => a.DeepClone(),
        _ => above?.DeepClone(),
    };

    private static JsonObject PerKey(JsonObject below, JsonObject above, Func<string, MergeRule> ruleOf)
    {
        var merged = new JsonObject();
        foreach (var (key, low) in below)
        {
            merged[key] = above.TryGetPropertyValue(key, out var high)
                ? Merge(ruleOf(key), low, high)
                : Alone(ruleOf(key), low);
        }

        foreach (var (key, high) in above.Where(member => !below.ContainsKey(member.Key)))
        {
            merged[key] = Alone(ruleOf(key), high);
        }

        return merged;
    }

    /// <summary>
    /// What only one of two documents says. A union drops duplicates from it too: the reference merges with nothing,
    /// and checksums must agree.
    /// </summary>
    private static JsonNode? Alone(MergeRule rule, JsonNode? value) => (rule, value) switch
    {
        (MergeRule.Union, JsonArray list) => Union(list, []),
        (MergeRule.UnionPerKey or MergeRule.Permissions, JsonObject map) => Merge(rule, new JsonObject(), map),
        _ => value?.DeepClone(),
    };

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

    private static bool IsAllow(JsonNode? value) =>
        value is JsonValue text && text.TryGetValue<string>(out var word) && word == "allow";
}
