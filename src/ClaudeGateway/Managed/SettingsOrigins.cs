using System.Text.Json.Nodes;
using ClaudeGateway.Json;
using ClaudeGateway.Settings;

namespace ClaudeGateway.Managed;

/// <summary>One value of merged settings and where it comes from.</summary>
/// <param name="Path">E.g. <c>permissions.deny</c>; as deep as documents are merged.</param>
/// <param name="Sources">The documents that gave it, the most general first: one, or several for a union.</param>
internal sealed record SettingOrigin(string Path, JsonNode? Value, IReadOnlyList<string> Sources);

/// <summary>One document of a merge.</summary>
/// <param name="Source">Where it stands in gateway.yaml; null for what the gateway itself adds.</param>
internal sealed record MergeLayer(string Name, JsonObject Document, PolicyDocument? Source)
{
    /// <summary>E.g. <c>managed.policies[0].cli (line 12)</c>.</summary>
    /// <param name="pointer">RFC 6901 pointer of the value.</param>
    public string Describe(string pointer) =>
        Source is not null && Source.Positions.TryGetValue(pointer, out var position)
        ? $"{Name} (line {position.Line})"
        : Name;
}

/// <summary>Tells which document each key of a merge comes from, by the same rules the merge follows.</summary>
internal sealed class SettingsOrigins(SettingsSchema schema)
{
    /// <param name="merged">What <see cref="PolicyMerge"/> made of the layers, pushed settings included.</param>
    /// <param name="layers">The documents with their names, the most general first.</param>
    public IReadOnlyList<SettingOrigin> Of(JsonObject merged, IReadOnlyList<MergeLayer> layers)
    {
        var origins = new List<SettingOrigin>();
        foreach (var (key, value) in merged.OrderBy(m => m.Key, StringComparer.Ordinal))
        {
            var rule = schema.MergeRuleOf(key);
            if (rule is MergeRule.Replace or MergeRule.Union || value is not JsonObject map || map.Count == 0)
            {
                origins.Add(
                    new SettingOrigin(
                        key,
                        value,
                        Sources(
                            rule == MergeRule.Union,
                            layers,
                            "/" + JsonPointer.Escape(key),
                            document => document.ContainsKey(key))));
                continue;
            }

            foreach (var (inner, innerValue) in map.OrderBy(m => m.Key, StringComparer.Ordinal))
            {
                var isUnion = rule == MergeRule.UnionPerKey
                    || (rule == MergeRule.Permissions && inner is "deny" or "ask");
                origins.Add(
                    new SettingOrigin(
                        $"{key}.{inner}",
                        innerValue,
                        Sources(
                            isUnion,
                            layers,
                            $"/{JsonPointer.Escape(key)}/{JsonPointer.Escape(inner)}",
                            document => document[key] is JsonObject own && own.ContainsKey(inner))));
            }
        }

        return origins;
    }

    private static List<string> Sources(
        bool isUnion, IReadOnlyList<MergeLayer> layers, string pointer, Func<JsonObject, bool> gives)
    {
        var giving = layers.Where(layer => gives(layer.Document)).Select(layer => layer.Describe(pointer)).ToList();
        return isUnion ? giving : [.. giving.TakeLast(1)];
    }
}
