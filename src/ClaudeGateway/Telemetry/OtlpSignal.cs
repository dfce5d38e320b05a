namespace ClaudeGateway.Telemetry;

/// <summary>
/// What an OTLP/HTTP export holds; the name is the last segment of its path (OTLP 1.x, OTLP/HTTP request).
/// </summary>
internal enum OtlpSignal
{
    Metrics,
    Logs,
    Traces,
}

internal static class OtlpSignals
{
    public static readonly IReadOnlyList<OtlpSignal> All = [OtlpSignal.Metrics, OtlpSignal.Logs, OtlpSignal.Traces];

    public static string Path(OtlpSignal signal) => signal switch
    {
        OtlpSignal.Metrics => "/v1/metrics",
        OtlpSignal.Logs => "/v1/logs",
        _ => "/v1/traces",
    };
}
