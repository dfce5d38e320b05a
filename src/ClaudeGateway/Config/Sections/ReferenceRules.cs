using ClaudeGateway.Config.Yaml;
using ClaudeGateway.Json;
using ClaudeGateway.Models;

namespace ClaudeGateway.Config.Sections;

/// <summary>Sections that name upstreams must name existing ones.</summary>
internal static class ReferenceRules
{
    public static void CheckModels(string[] upstreams, ConfigNode models, ConfigReading reading)
    {
        foreach (var model in ((ConfigList)models).Items.OfType<ConfigMap>())
        {
            var map = model.Find("upstream_model") as ConfigMap;
            foreach (var entry in (map?.Entries ?? []).Where(entry => Array.IndexOf(upstreams, entry.Key) < 0))
            {
                reading.Problem(
                    entry.KeyPosition,
                    entry.Value.Path,
                    $"references unknown upstream '{entry.Key}'{Known(entry.Key, upstreams)}");
            }
        }
    }

    public static void CheckOverrides(
        string[] upstreams, IReadOnlyList<PriceOverride> overrides, ConfigNode pricing, ConfigReading reading)
    {
        var rows = ((pricing as ConfigMap)?.Find("overrides") as ConfigList)?.Items ?? [];
        var seen = new Dictionary<(string, string), int>();
        for (var i = 0; i < overrides.Count; i++)
        {
            var row = overrides[i];
            if (Array.IndexOf(upstreams, row.Upstream) < 0)
            {
                reading.Problem(rows[i], $"no upstream is named '{row.Upstream}'{Known(row.Upstream, upstreams)}");
            }

            // Different clouds spell one model differently; letter case never counts.
            var model = BuiltInModels.Find(row.Model)?.Id ?? row.Model;
            if (!seen.TryAdd((row.Upstream, model.ToUpperInvariant()), i))
            {
                var first = seen[(row.Upstream, model.ToUpperInvariant())];
                reading.Problem(
                    rows[i],
                    $"prices '{row.Model}' on '{row.Upstream}' a second time; overrides[{first}] already does");
            }
        }
    }

    private static string Known(string written, string[] upstreams) =>
        NearestKey.Suggestion(written, upstreams) is { Length: > 0 } nearest
        ? nearest
        : $"; there are {string.Join(", ", upstreams)}";
}
