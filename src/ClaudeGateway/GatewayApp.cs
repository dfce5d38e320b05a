using ClaudeGateway.Admin;
using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed;
using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.Spend;
using ClaudeGateway.Storage;
using ClaudeGateway.Telemetry;
using ClaudeGateway.Upstreams;
using ClaudeGateway.Upstreams.Google;
using Microsoft.AspNetCore.Builder;

namespace ClaudeGateway;

/// <summary>
/// The composition root: builds every feature from one <see cref="GatewayConfig"/> and starts the server in the
/// reference's order (spec/config.md, Order of checks). Nothing refers back to it.
/// </summary>
internal sealed class GatewayApp : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly OtlpRelay _relay;
    private readonly OwnedResources _owned;

    private GatewayApp(WebApplication server, OtlpRelay relay, Routes routes, OwnedResources owned, string address)
    {
        _server = server;
        _relay = relay;
        _owned = owned;
        Address = address;
        Paths = [.. routes.Paths];
    }

    /// <summary>Where the gateway listens, e.g. <c>http://127.0.0.1:8080</c>, with the real port.</summary>
    public string Address { get; }

    /// <summary>Every path that is served, for the test of docs/protocol.md.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <exception cref="BootException">A service or file the gateway needs is not usable.</exception>
    public static async Task<GatewayApp> StartAsync(GatewayConfig config, ProcessEnvironment environment, TimeProvider clock, AuditLog audit, OperationalLog log, CancellationToken cancellation)
    {
        audit.ConfigLoad(config.Path, config.Sha256);
        var owned = new OwnedResources();
        try
        {
            return await StartAsync(config, environment, clock, audit, log, owned, cancellation);
        }
        catch (StoreUnavailableException e)
        {
            await owned.DisposeAsync();
            throw new BootException($"the store went away while the gateway started: {e.Message}", e);
        }
        catch
        {
            await owned.DisposeAsync();
            throw;
        }
    }

    private static async Task<GatewayApp> StartAsync(GatewayConfig config, ProcessEnvironment environment, TimeProvider clock, AuditLog audit, OperationalLog log, OwnedResources owned, CancellationToken cancellation)
    {
        var tls = config.Listen.Tls is { } files ? new TlsCertificate(files, clock, log) : null;
        var database = owned.Add(await new StoreStartup(config, clock, log).OpenAsync(cancellation));
        if (config.LoadTestMode is { Enabled: true } && await new SpendPrincipalStore(database).AnySpendAsync())
        {
            throw new BootException("load_test_mode is on, but spend is recorded in this database: people use this gateway. Turn load_test_mode off, or give the load test a database of its own");
        }

        var sweep = owned.Add(new ExpirySweep(database, clock, log));
        var outbound = owned.Add(new OutboundHttp(environment, log));
        var provider = owned.Add(await IdentityProvider.DiscoverAsync(config.Oidc, outbound, clock, log, cancellation));
        var googleGroups = config.Oidc.GoogleGroups is { } google ? owned.Add(GoogleGroups.Create(google, config.Oidc, outbound, clock)) : null;
        var secrets = new SessionSecrets(config.Session.JwtSecrets);
        var tokens = new SessionTokens(config, secrets, clock);
        var revocations = new Revocations(clock);
        var revocationStore = new RevocationStore(database, revocations, clock);
        var notifications = owned.Add(new StoreNotifications(database, config.Store.MaxConnections, clock, log));
        var revocationSync = owned.Add(new RevocationSync(revocationStore, revocations, notifications, clock, log));

        var session = new RequireSession(tokens, revocations, clock);

        var routes = new Routes();
        new HealthEndpoints(new StoreHealth(database, config.Store.ReadinessGrace, clock, log).IsReadyAsync).Map(routes);
        new ProtocolEndpoint().Map(routes);
        new SignInFeature(config, database, clock, audit, log).Map(routes, provider, secrets, tokens, revocations, revocationStore, googleGroups);
        var spend = config.Admin is { } admin ? owned.Add(await SpendFeature.StartAsync(config, admin, database, clock, audit, log)) : null;
        if (spend is not null)
        {
            AdminFeature.Map(routes, config.Admin!, spend, session, clock, audit);
        }

        var modelRoutes = new ModelRoutes(new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels), UpstreamList.Create(config, outbound, environment, clock, log));
        var policies = new ManagedPolicies(config.Managed, PushedSettings.From(config, modelRoutes.Placements()));
        var listing = new ModelListing(modelRoutes, policies.ModelsOf);
        new ModelsEndpoint(listing).Map(routes);
        new MessagesEndpoint(modelRoutes, policies.ModelsOf, new FailoverLoop(log), new ResponseRelay(clock), config.Admin?.BillingGroupTag, spend?.Gate, config.LoadTestMode is { Enabled: true }, clock, audit).Map(routes);
        new ManagedSettingsEndpoint(policies, audit).Map(routes);
        new BootstrapEndpoint(policies, config, listing.For, audit).Map(routes);
        var relay = owned.Add(CreateRelay(config, environment, outbound, clock, log));
        new OtlpEndpoints(relay).Map(routes);

        var pipeline = new RequestPipeline(
            routes,
            new ClientAddress(config.Listen.TrustedProxies),
            new AccessControl(config.AccessControl, audit),
            new RequestLimits(config.Limits),
            session,
            tls is not null,
            clock,
            audit,
            log);
        var server = owned.Add(GatewayServer.Create(config, tls, pipeline.HandleAsync));
        await revocationSync.StartAsync();
        await GatewayServer.StartAsync(server, config.Listen, cancellation);
        sweep.Start();
        notifications.Start();
        var address = server.Urls.First();
        log.Always($"claude gateway listening on {address}");
        if (outbound.ProxyIsEgressBoundary)
        {
            _ = EgressBoundary.WarnIfMetadataIsReachableAsync(outbound.Proxy, log, clock);
        }

        return new GatewayApp(server, relay, routes, owned, address);
    }

    /// <summary>Refuses new connections, lets open requests finish within <paramref name="drain"/> or until <paramref name="cut"/>, then cuts them.</summary>
    public async Task StopAsync(TimeSpan drain, CancellationToken cut = default)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cut);
        timeout.CancelAfter(drain);
        await _server.StopAsync(timeout.Token);
        await _relay.DrainAsync();
    }

    public ValueTask DisposeAsync() => _owned.DisposeAsync();

    private static OtlpRelay CreateRelay(GatewayConfig config, ProcessEnvironment environment, OutboundHttp outbound, TimeProvider clock, OperationalLog log)
    {
        var credentials = new Lazy<CredentialHttp>(() => new CredentialHttp(outbound));
        AccessToken GoogleToken(GoogleCollectorAuth auth) => new GoogleTokens(auth.ServiceAccountJsonPath, environment, credentials.Value, clock).GetAsync;
        return new OtlpRelay(config.Telemetry, GoogleToken, outbound, clock, log);
    }
}
