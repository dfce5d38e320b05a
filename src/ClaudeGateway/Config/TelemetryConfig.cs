namespace ClaudeGateway.Config;

/// <summary>The <c>telemetry</c> section: which collectors get the clients' OpenTelemetry exports.</summary>
internal sealed record TelemetryConfig
{
    public IReadOnlyList<TelemetryDestination> ForwardTo { get; init; } = [];

    /// <summary>Pushed to clients as OTEL_RESOURCE_ATTRIBUTES.</summary>
    public IReadOnlyDictionary<string, string> ResourceAttributes { get; init; } = new Dictionary<string, string>();
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

    public GoogleCollectorAuth? GoogleAuth { get; init; }
}

/// <summary>Google credentials for a collector; a null path means Application Default Credentials.</summary>
internal sealed record GoogleCollectorAuth(string? ServiceAccountJsonPath);
