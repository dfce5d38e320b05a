namespace ClaudeGateway.Config;

/// <summary>The <c>telemetry</c> section: which collectors get the clients' OpenTelemetry exports.</summary>
internal sealed record TelemetryConfig
{
    public IReadOnlyList<TelemetryDestination> ForwardTo { get; init; } = [];

    /// <summary>Pushed to clients as OTEL_RESOURCE_ATTRIBUTES.</summary>
    public IReadOnlyDictionary<string, string> ResourceAttributes { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Pushed to clients as OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE (OpenTelemetry specification, OTLP
    /// exporter); null pushes nothing, and Claude Code sends deltas.
    /// </summary>
    public string? Temporality { get; init; }
}

/// <summary>One collector: its base URL and the OTLP signals it takes.</summary>
internal sealed record TelemetryDestination
{
    public required Uri Url { get; init; }

    /// <summary>Values are secrets: they usually hold the collector's key.</summary>
    public IReadOnlyDictionary<string, Secret> Headers { get; init; } = new Dictionary<string, Secret>();

    public bool Metrics { get; init; } = true;

    public bool Logs { get; init; }

    public bool Traces { get; init; }

    /// <summary>Null when the configured headers are all the collector asks for.</summary>
    public CollectorAuth? Auth { get; init; }
}

/// <summary>The cloud whose credentials a collector takes.</summary>
internal abstract record CollectorAuth
{
    /// <summary>A bearer; a null path means Application Default Credentials.</summary>
    internal sealed record Google(string? ServiceAccountJsonPath) : CollectorAuth;

    /// <summary>
    /// A Signature Version 4 with the default chain's credentials; once read, region and service are set.
    /// </summary>
    internal sealed record Aws(string? Region, string? Service) : CollectorAuth;
}
