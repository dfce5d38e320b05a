using System.Text.Json.Nodes;
using ClaudeGateway.Config;

namespace ClaudeGateway.Managed;

/// <summary>placeholder</summary>
internal static class PricingPush
{
    public static JsonObject? From(GatewayConfig config) => config.Pricing is null ? null : null;
}
