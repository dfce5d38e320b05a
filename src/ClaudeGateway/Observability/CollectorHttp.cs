using System.Diagnostics.CodeAnalysis;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Telemetry;
using OpenTelemetry.Exporter;

namespace ClaudeGateway.Observability;

/// <summary>
/// How the OpenTelemetry SDK reaches a collector: through <see cref="OutboundHttp"/>, with the headers and credential
/// of gateway.yaml alone (the SDK's variables are meant for programs that have no configuration of their own), and with
/// a line in the log when it stops or begins to take exports again.
/// </summary>
internal sealed class CollectorHttp : HttpMessageHandler
{
    private const string Name = "observability.otlp";

    private readonly TelemetryDestination _config;
    private readonly AuthorizeExport? _authorize;
    [SuppressMessage(
        "Usage", "CA2213:Disposable fields should be disposed", Justification = "It ends with OutboundHttp.")]
    private readonly HttpMessageInvoker _http;

    /// <summary>Protects <see cref="_report"/>: two signals are exported by two threads.</summary>
    private readonly Lock _lock = new();
    private readonly DestinationReport _report;

    public CollectorHttp(TelemetryDestination config, ExportParts parts)
    {
        _config = config;
        _authorize = config.Auth is { } auth ? parts.Authorizer(auth) : null;
        _http = parts.Outbound.CreateClient(new OutboundOptions());
        _report = new DestinationReport(
            $"{Name} ({config.Url.Host})", parts.Relay.Of(Name, config.Url.Host), parts.Log);
    }

    public void Configure(OtlpExporterOptions exporter, OtlpSignal signal)
    {
        exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = new UriBuilder(_config.Url)
        {
            Path = _config.Url.AbsolutePath.TrimEnd('/') + OtlpSignals.Path(signal),
        }.Uri;
        exporter.Headers = null;
        exporter.TimeoutMilliseconds = (int)OtlpSender.Timeout.TotalMilliseconds;
        // The client's own timeout would cut a request that the exporter still waits for.
#pragma warning disable RS0030 // The SDK asks for one; its requests go through this handler to OutboundHttp.
        exporter.HttpClientFactory = () =>
            new HttpClient(this, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
#pragma warning restore RS0030
    }

    /// <summary>The SDK exports on threads of its own, which may wait.</summary>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        SendAsync(request, cancellationToken).GetAwaiter().GetResult();

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var (name, value) in _config.Headers)
            {
                request.Headers.Remove(name);
                request.Headers.TryAddWithoutValidation(name, value.Reveal());
            }

            request.Headers.UserAgent.Clear();
            request.Headers.TryAddWithoutValidation("User-Agent", "claude-gateway/" + GatewayVersion.Text);
            if (_authorize is not null)
            {
                var body = request.Content is { } content ? await content.ReadAsByteArrayAsync(cancellationToken) : [];
                await _authorize(request, body, cancellationToken);
            }

            var response = await _http.SendAsync(request, cancellationToken);
            Report(response.IsSuccessStatusCode ? null : $"status {(int)response.StatusCode}");
            return response;
        }
        catch (Exception e)
        {
            Report(e is OperationCanceledException ? "no answer in time" : e.Message);
            throw;
        }
    }

    private void Report(string? failure)
    {
        lock (_lock)
        {
            if (failure is null)
            {
                _report.Works();
            }
            else
            {
                _report.Dropped($"does not take exports: {failure}");
            }
        }
    }
}
