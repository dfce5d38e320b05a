using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed;
using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Sessions;
using ClaudeGateway.Upstreams;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace ClaudeGateway;

/// <summary>
/// The composition root: builds every feature from one <see cref="GatewayConfig"/> and starts the server in the
/// reference's order (spec/config.md, Order of checks). Nothing refers back to it.
/// </summary>
internal sealed class GatewayApp : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly OutboundHttp _outbound;

    private GatewayApp(WebApplication server, OutboundHttp outbound, string address)
    {
        _server = server;
        _outbound = outbound;
        Address = address;
    }

    /// <summary>Where the gateway listens, e.g. <c>http://127.0.0.1:8080</c>, with the real port.</summary>
    public string Address { get; }

    /// <exception cref="BootException">A service or file the gateway needs is not usable.</exception>
    public static async Task<GatewayApp> StartAsync(GatewayConfig config, ProcessEnvironment environment, TimeProvider clock, AuditLog audit, OperationalLog log, CancellationToken cancellation)
    {
        audit.ConfigLoad(config.Path, config.Sha256);
        var outbound = new OutboundHttp(environment, log);

        var routes = new Routes();
        new HealthEndpoints(_ => Task.FromResult(true)).Map(routes);
        MapModels(routes, config, UpstreamList.Create(config, outbound, clock, log), static _ => ModelAccess.Unrestricted, clock, audit, log);

        var pipeline = new RequestPipeline(
            routes,
            new ClientAddress(config.Listen.TrustedProxies),
            new AccessControl(config.AccessControl, audit),
            new RequestLimits(config.Limits),
            new RequireSession(clock),
            config.Listen.Tls is not null,
            clock,
            audit,
            log);
        var server = CreateServer(config, pipeline.HandleAsync);
        try
        {
            await server.StartAsync(cancellation);
        }
        catch (IOException e)
        {
            throw new BootException($"cannot listen on {config.Listen.Host}:{config.Listen.Port}: {e.Message}. Set listen.port to a free port", e);
        }

        var address = server.Urls.First();
        log.Always($"claude gateway listening on {address}");
        if (outbound.ProxyIsEgressBoundary)
        {
            _ = EgressBoundary.WarnIfMetadataIsReachableAsync(outbound.Proxy, log, clock);
        }

        return new GatewayApp(server, outbound, address);
    }

    /// <summary>Refuses new connections, lets open requests finish within <paramref name="drain"/>, then cuts them.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        using var timeout = new CancellationTokenSource(drain);
        await _server.StopAsync(timeout.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _outbound.Dispose();
    }

    private static void MapModels(Routes routes, GatewayConfig config, IReadOnlyList<Upstream> upstreams, Func<Principal, ModelAccess> modelAccess, TimeProvider clock, AuditLog audit, OperationalLog log)
    {
        var modelRoutes = new ModelRoutes(new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels), upstreams);
        new ModelsEndpoint(modelRoutes, modelAccess).Map(routes);
        new MessagesEndpoint(modelRoutes, modelAccess, new FailoverLoop(log), new ResponseRelay(clock), config.Admin?.BillingGroupTag, clock, audit).Map(routes);
    }

    private static WebApplication CreateServer(GatewayConfig config, RequestDelegate handle)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Upstreams' header values pass as the bytes they came in: the client side of HTTP reads them as Latin-1 too.
            kestrel.ResponseHeaderEncodingSelector = static _ => System.Text.Encoding.Latin1;
            kestrel.Limits.MaxRequestBodySize = config.Limits.MaxRequestBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = 256 * 1024;
            kestrel.Limits.MaxRequestHeaderCount = 1000;
            kestrel.Limits.MaxRequestLineSize = 256 * 1024;
            kestrel.Limits.MaxRequestBufferSize = 1024 * 1024;
            Listen(kestrel, config.Listen);
        });
        var app = builder.Build();
        app.Run(handle);
        return app;
    }

    private static void Listen(KestrelServerOptions kestrel, ListenConfig listen)
    {
        if (listen.Host == "localhost")
        {
            kestrel.ListenLocalhost(listen.Port, options => options.Protocols = HttpProtocols.Http1);
        }
        else
        {
            kestrel.Listen(IPAddress.Parse(listen.Host.Trim('[', ']')), listen.Port, options => options.Protocols = HttpProtocols.Http1);
        }
    }
}
