using ClaudeGateway.Config.Shapes;
using static ClaudeGateway.Config.Shapes.Values;

namespace ClaudeGateway.Config.Sections;

/// <summary>Keys of <c>telemetry</c>.</summary>
internal static class TelemetrySection
{
    private static readonly Key<bool> Metrics = new("metrics", Flag(), "Forward metrics.") { Default = "true" };

    private static readonly Key<bool> Logs = new("logs", Flag(), "Forward logs and events.") { Default = "false" };

    private static readonly Key<bool> Traces = new("traces", Flag(), "Forward traces.") { Default = "false" };

    private static readonly Shape<TelemetryDestination> Destination = Object(
        [CollectorKeys.Url, CollectorKeys.Headers, Metrics, Logs, Traces, CollectorKeys.Auth], Build,
        CollectorKeys.Check);

    private static readonly Key<IReadOnlyList<TelemetryDestination>> ForwardTo = new(
        "forward_to", ListOf(Destination), "Collectors that receive the clients' OpenTelemetry exports.")
    {
        Default = "[]",
    };

    private static readonly Key<IReadOnlyDictionary<string, string>> ResourceAttributes = new(
        "resource_attributes", ResourceAttributeRules.Shape, "Labels pushed to clients as OTEL_RESOURCE_ATTRIBUTES.")
    {
        Default = "{}",
        Example = "{ deployment.environment.name: production }",
    };

    private static readonly Key<string> Temporality = new(
        "temporality",
        Choice(("cumulative", "cumulative"), ("delta", "delta"), ("lowmemory", "lowmemory")),
        "Pushed to clients as OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE. Claude Code sends deltas when nothing "
            + "is pushed; stores that drop those (Prometheus and others) need `cumulative`.")
    {
        Example = "cumulative",
    };

    public static readonly Shape<TelemetryConfig> Shape = Object(
        [ForwardTo, ResourceAttributes, Temporality],
        fields => new TelemetryConfig
        {
            ForwardTo = fields.Get(ForwardTo),
            ResourceAttributes = fields.Get(ResourceAttributes),
            Temporality = fields.Get(Temporality),
        },
        fields =>
        {
            if (fields.IsGiven(ResourceAttributes) && fields.Get(ForwardTo) is { Count: 0 })
            {
                fields.Warn(ResourceAttributes, "has no effect without a collector in forward_to");
            }

            if (fields.IsGiven(Temporality) && !(fields.Get(ForwardTo) ?? []).Any(destination => destination.Metrics))
            {
                fields.Warn(Temporality, "has no effect without a collector in forward_to that takes metrics");
            }
        });

    private static TelemetryDestination Build(Fields fields) => CollectorKeys.Read(fields) with
    {
        Metrics = fields.Get(Metrics),
        Logs = fields.Get(Logs),
        Traces = fields.Get(Traces),
    };
}
