using System.Net.Sockets;
using ClaudeGateway.Config;
using ClaudeGateway.Http.Serving;
using ClaudeGateway.Process;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;

namespace ClaudeGateway.Observability;

/// <summary>
/// The HTTP server of <c>observability.metrics_listen</c>: Prometheus text at <c>/metrics</c>, and nothing else. Apart
/// from the gateway's own server, so that no address of that one, and no mistake in its routes, ever shows it.
/// </summary>
internal sealed class MetricsListener : IAsyncDisposable
{
    public const string Path = "/metrics";

    /// <summary>A scrape has no body, and few headers.</summary>
    private const int MaxHeaderBytes = 16 * 1024;
    private const int MaxConnections = 100;

    private readonly WebApplication _server;
    private readonly MetricsListen _listen;

    public MetricsListener(MetricsListen listen, MeterProvider metrics)
    {
        _listen = listen;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            foreach (var address in ListenAddresses.Of(listen.Host, "observability.metrics_listen"))
            {
                kestrel.Listen(address, listen.Port);
                if (listen.Port == 0)
                {
                    // One free port cannot be asked for on several addresses at once.
                    break;
                }
            }
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        _server = builder.Build();
        _server.UseOpenTelemetryPrometheusScrapingEndpoint(
            metrics, predicate: null, Path, configureBranchedPipeline: null, optionsName: null);
        _server.Run(static http =>
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    }

    /// <summary>E.g. <c>http://127.0.0.1:9464</c>, with the real port; once started.</summary>
    public string Address => _server.Urls.First();

    /// <exception cref="OperatorException">The address or port cannot be had.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        try
        {
            await _server.StartAsync(cancellation);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw new OperatorException(
                $"observability.metrics_listen: cannot listen on {_listen.Host}:{_listen.Port}: {e.Message}. Set it to a "
                    + "free address of this machine, or to off",
                e);
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
