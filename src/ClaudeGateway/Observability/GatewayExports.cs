using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Instrumentation;
using ClaudeGateway.Logging;
using ClaudeGateway.Observability.Audit;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ClaudeGateway.Observability;

/// <summary>What the exports of one process are made with.</summary>
internal sealed record ExportParts
{
    public required GatewayMeter Meter { get; init; }

    /// <summary>Names this process among the replicas (<c>service.instance.id</c>).</summary>
    public required string Instance { get; init; }

    public required OutboundHttp Outbound { get; init; }

    /// <summary>Makes what authorises exports to a collector with <c>auth</c>.</summary>
    public required Func<CollectorAuth, AuthorizeExport> Authorizer { get; init; }

    public required RelayMeters Relay { get; init; }

    public required TimeProvider Clock { get; init; }

    public required AuditLog Audit { get; init; }

    public required OperationalLog Log { get; init; }
}

/// <summary>
/// Hands what the gateway measures, draws and audits to those who watch it: Prometheus text on a listener of its own,
/// metrics and traces by OTLP, audit events as OTLP logs. Nothing of it can break or delay an answer: measurements are
/// added up in memory, spans and events wait in bounded queues, and what nobody takes is dropped.
/// </summary>
internal sealed class GatewayExports : IAsyncDisposable
{
    /// <summary>
    /// Series of one metric, beyond which further ones are told as one (<c>otel.metric.overflow</c>).
    /// </summary>
    private const int MaxSeries = 4000;

    /// <summary>For what is left when the gateway stops: a collector that hangs must not hold it up.</summary>
    private const int ShutdownMilliseconds = 5000;

    private readonly MeterProvider? _metrics;
    private readonly TracerProvider? _traces;
    private readonly MetricsListener? _listener;
    private readonly AuditExport? _audit;
    private readonly OperationalLog _log;

    private GatewayExports(ObservabilityConfig config, ExportParts parts)
    {
        _log = parts.Log;
        var collector = config.Otlp is { } otlp ? new CollectorHttp(otlp.Collector, parts) : null;
        _metrics = Metrics(config, parts, collector);
        _traces = Traces(config, parts, collector);
        _listener = config.MetricsListen is { } listen ? new MetricsListener(listen, _metrics!) : null;
        _audit = config.AuditOtlp is { } audit ? new AuditExport(audit, parts) : null;
    }

    /// <summary>Where <c>/metrics</c> is, with the real port; null when it is not served.</summary>
    public string? MetricsAddress => _listener?.Address;

    /// <returns>Null where nothing is to be exported.</returns>
    /// <exception cref="OperatorException"><c>observability.metrics_listen</c> cannot be had.</exception>
    public static async Task<GatewayExports?> StartAsync(
        ObservabilityConfig? config, ExportParts parts, CancellationToken cancellation)
    {
        if (config is null)
        {
            return null;
        }

        var exports = new GatewayExports(config, parts);
        try
        {
            if (exports._listener is { } listener)
            {
                await listener.StartAsync(cancellation);
                parts.Log.Info($"metrics for Prometheus at {listener.Address}{MetricsListener.Path}");
            }
        }
        catch
        {
            await exports.DisposeAsync();
            throw;
        }

        if (exports._audit is { } audit)
        {
            parts.Audit.CopyTo(audit);
            audit.Start();
        }

        return exports;
    }

    public async ValueTask DisposeAsync()
    {
        if (_listener is not null)
        {
            await OwnedResources.CloseAsync(_listener, _log);
        }

        if (_audit is not null)
        {
            await OwnedResources.CloseAsync(_audit, _log);
        }

        // The SDK exports what is left, each on the thread that asks for it.
        await Task.WhenAll(
            Task.Run(() => _metrics?.Shutdown(ShutdownMilliseconds)),
            Task.Run(() => _traces?.Shutdown(ShutdownMilliseconds)));
        _metrics?.Dispose();
        _traces?.Dispose();
    }

    private static MeterProvider? Metrics(ObservabilityConfig config, ExportParts parts, CollectorHttp? collector)
    {
        var exportsMetrics = config.Otlp is { Collector.Metrics: true };
        if (config.MetricsListen is null && !exportsMetrics)
        {
            return null;
        }

        var builder = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(Resource(parts))
            // Beside our own what the runtime measures of itself: memory, collections, threads, CPU.
            .AddMeter(parts.Meter.Meter.Name, "System.Runtime")
            .SetExemplarFilter(ExemplarFilterType.AlwaysOff)
            .AddView(instrument => new MetricStreamConfiguration { CardinalityLimit = MaxSeries });
        if (config.MetricsListen is not null)
        {
            // Each scrape is answered with what is there now; what it costs is bounded by the listener.
            builder.AddPrometheusExporter(static exporter => exporter.ScrapeResponseCacheDurationMilliseconds = 0);
        }

        if (exportsMetrics)
        {
            var otlp = config.Otlp!;
            builder.AddOtlpExporter((exporter, reader) =>
            {
                collector!.Configure(exporter, OtlpSignal.Metrics);
                reader.TemporalityPreference = otlp.IsDelta
                    ? MetricReaderTemporalityPreference.Delta
                    : MetricReaderTemporalityPreference.Cumulative;
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds =
                    (int)otlp.Interval.TotalMilliseconds;
            });
        }

        return builder.Build();
    }

    private static TracerProvider? Traces(ObservabilityConfig config, ExportParts parts, CollectorHttp? collector) =>
        config.Otlp is not { Collector.Traces: true }
            ? null
            : Sdk.CreateTracerProviderBuilder()
                .SetResourceBuilder(Resource(parts))
                .AddSource(parts.Meter.Traces.Name)
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(config.TraceRatio)))
                .AddOtlpExporter(exporter => collector!.Configure(exporter, OtlpSignal.Traces))
                .Build();

    private static ResourceBuilder Resource(ExportParts parts) =>
        ResourceBuilder.CreateDefault().AddService(
            "claude-gateway", serviceVersion: GatewayVersion.Text, serviceInstanceId: parts.Instance);
}
