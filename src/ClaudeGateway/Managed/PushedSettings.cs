using System.Text.Json.Nodes;
using ClaudeGateway.Config;
using ClaudeGateway.Models;

namespace ClaudeGateway.Managed;

/// <summary>
/// What the gateway itself adds below every policy (spec/policy.md, Telemetry push, Pricing push): the variables that
/// send the clients' telemetry here, and the configured prices. A policy's own values win.
/// </summary>
/// <param name="Env">Null when nothing is pushed.</param>
/// <param name="ModelPricing">Null when nothing is pushed.</param>
internal sealed record PushedSettings(JsonObject? Env, JsonObject? ModelPricing)
{
    public const string EnvKey = "env";
    public const string ModelPricingKey = "modelPricing";

    public static readonly PushedSettings Nothing = new(null, null);

    /// <param name="placements">Where each model is sent first.</param>
    public static PushedSettings From(GatewayConfig config, IEnumerable<ModelPlacement> placements) =>
        new(TelemetryEnv(config.Telemetry, config.Listen.PublicUrl), PricingPush.From(config.Pricing, placements));

    public JsonObject Under(JsonObject settings)
    {
        var served = (JsonObject)settings.DeepClone();
        if (Env is not null)
        {
            var env = (JsonObject)Env.DeepClone();
            foreach (var (name, value) in settings[EnvKey] as JsonObject ?? [])
            {
                env[name] = value?.DeepClone();
            }

            served[EnvKey] = env;
        }

        if (ModelPricing is not null)
        {
            served.TryAdd(ModelPricingKey, ModelPricing.DeepClone());
        }

        return served;
    }

    /// <summary>A signal nobody takes is switched off in the client rather than sent here to be dropped.</summary>
    private static JsonObject? TelemetryEnv(TelemetryConfig? telemetry, string? publicUrl)
    {
        if (telemetry is null or { ForwardTo.Count: 0 } || publicUrl is null)
        {
            return null;
        }

        var env = new JsonObject
        {
            ["CLAUDE_CODE_ENABLE_TELEMETRY"] = "1",
            ["OTEL_METRICS_EXPORTER"] = Exporter(telemetry.ForwardTo.Any(d => d.Metrics)),
            ["OTEL_LOGS_EXPORTER"] = Exporter(telemetry.ForwardTo.Any(d => d.Logs)),
            ["OTEL_TRACES_EXPORTER"] = Exporter(telemetry.ForwardTo.Any(d => d.Traces)),
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = publicUrl,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        };
        if (telemetry.Temporality is { } temporality)
        {
            env["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"] = temporality;
        }

        if (telemetry.ResourceAttributes.Count > 0)
        {
            env["OTEL_RESOURCE_ATTRIBUTES"] = string.Join(
                ',', telemetry.ResourceAttributes.Select(a => $"{a.Key}={a.Value}"));
        }

        return env;
    }

    private static string Exporter(bool isTaken) => isTaken ? "otlp" : "none";
}
