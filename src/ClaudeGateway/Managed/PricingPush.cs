using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Models;

namespace ClaudeGateway.Managed;

/// <summary>
/// The prices clients show, as settings key <c>modelPricing</c> (spec/policy.md, Pricing push): the configured row of
/// each model on the upstream that serves it first. A model whose upstream differs between developers has no single
/// price.
/// </summary>
internal static class PricingPush
{
    /// <summary>Null when there is nothing to tell.</summary>
    public static JsonObject? From(PricingConfig? pricing, IEnumerable<ModelPlacement> placements)
    {
        var pushed = new JsonObject();
        if (pricing?.Multiplier is { } multiplier && multiplier != 1)
        {
            pushed["multiplier"] = (double)multiplier;
        }

        var overrides = new JsonObject();
        foreach (var placement in pricing is { Overrides.Count: > 0 } ? placements : [])
        {
            if (RowOf(placement, pricing!.Overrides) is { } row)
            {
                overrides[placement.Model.Id] = Rates(row);
            }
        }

        if (overrides.Count > 0)
        {
            pushed["overrides"] = overrides;
        }

        return pushed.Count > 0 ? pushed : null;
    }

    /// <summary>
    /// The upstream's own name for the model beats the client's id, which beats any other spelling of a built-in model.
    /// </summary>
    private static PriceOverride? RowOf(ModelPlacement placement, IReadOnlyList<PriceOverride> rows)
    {
        var builtIn = placement.Model.BuiltIn ?? BuiltInModels.Find(placement.UpstreamModelId);
        var here = rows.Where(row => row.Upstream == placement.Upstream).ToList();
        return here.Find(row => row.Model.Equals(placement.UpstreamModelId, StringComparison.OrdinalIgnoreCase))
            ?? here.Find(row => row.Model.Equals(placement.Model.Id, StringComparison.OrdinalIgnoreCase))
            ?? (builtIn is null ? null : here.Find(row => BuiltInModels.Find(row.Model) == builtIn));
    }

    private static JsonObject Rates(PriceOverride row) => new()
    {
        ["input"] = (double)row.Input,
        ["output"] = (double)row.Output,
        ["cacheRead"] = (double)row.CacheRead,
        ["cacheWrite"] = (double)row.CacheWrite,
    };
}
