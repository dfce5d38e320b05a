namespace ClaudeGateway.Config;

/// <summary>The <c>observability</c> section: what the gateway tells of itself, and to whom.</summary>
internal sealed record ObservabilityConfig
{
    /// <summary>Null serves no <c>/metrics</c>.</summary>
    public MetricsListen? MetricsListen { get; init; }

    /// <summary>Groups that spend is told apart by; the first one a developer is in counts.</summary>
    public IReadOnlyList<string> GroupLabels { get; init; } = [];

    /// <summary>Null exports nothing by OTLP.</summary>
    public OtlpExportConfig? Otlp { get; init; }

    /// <summary>The share of traces that begin here and are kept, 0 to 1; a client's own decision stands.</summary>
    public double TraceRatio { get; init; } = 0.05;

    /// <summary>Null leaves audit events on standard error alone.</summary>
    public AuditExportConfig? AuditOtlp { get; init; }
}

/// <summary>Where Prometheus finds <c>/metrics</c>.</summary>
/// <param name="Host">An address, a name of this machine, or <c>*</c>.</param>
/// <param name="Port">0 lets the system choose.</param>
internal sealed record MetricsListen(string Host, int Port);

/// <summary>A collector of the gateway's own metrics and traces.</summary>
internal sealed record OtlpExportConfig
{
    /// <summary>Which of its signals the collector takes; logs are not among them.</summary>
    public required TelemetryDestination Collector { get; init; }

    /// <summary>Between two exports of metrics.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether counts start anew with each export.</summary>
    public bool IsDelta { get; init; }
}

/// <summary>A collector of audit events.</summary>
internal sealed record AuditExportConfig
{
    public required TelemetryDestination Collector { get; init; }

    /// <summary>Whether events name subject and e-mail address as standard error does.</summary>
    public bool WithIdentities { get; init; }
}
