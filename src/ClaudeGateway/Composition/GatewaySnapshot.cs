using ClaudeGateway.Admin;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Http;
using ClaudeGateway.Managed;
using ClaudeGateway.Managed.Desktop;
using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Telemetry;
using ClaudeGateway.Upstreams;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ClaudeGateway.Composition;

/// <summary>
/// Every feature, built from one configuration: one Map line each. A reload builds another; requests that began with
/// this one end with it, and then it is disposed.
/// </summary>
internal sealed class GatewaySnapshot
{
    private readonly RequestPipeline _pipeline;

    /// <summary>Drains the relay once, however often it is asked: what is left over is reported once.</summary>
    private readonly Lazy<Task> _drain;
    private readonly Shared<IdentityProvider> _provider;
    private readonly OwnedResources _owned;
    private readonly OutboundHttp _outbound;
    private readonly long _maxRequestBytes;
    private readonly TaskCompletionSource _unused = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Open requests, and one for being in force; it never rises again from zero.</summary>
    private int _users = 1;

    private GatewaySnapshot(
        GatewayConfig config,
        RequestPipeline pipeline,
        OtlpRelay relay,
        Shared<IdentityProvider> provider,
        Routes routes,
        OwnedResources owned,
        OutboundHttp outbound)
    {
        _pipeline = pipeline;
        _drain = new Lazy<Task>(relay.DrainAsync);
        _provider = provider;
        _owned = owned;
        _outbound = outbound;
        _maxRequestBytes = config.Limits.MaxRequestBytes;
        Config = config;
        Paths = [.. routes.Paths];
    }

    public GatewayConfig Config { get; }

    public IReadOnlyList<string> Paths { get; }

    /// <param name="previous">The snapshot in force, whose identity provider is kept when the <c>oidc</c> section says
    /// the same; null at boot.</param>
    /// <exception cref="OperatorException">A service or file the configuration names is not usable.</exception>
    public static async Task<GatewaySnapshot> CreateAsync(
        GatewayConfig config, GatewaySnapshot? previous, ProcessParts services, CancellationToken cancellation)
    {
        var owned = new OwnedResources(services.Log);
        var outbound = services.Outbound.CreatePart();
        try
        {
            return await CreateAsync(config, previous, services, outbound, owned, cancellation);
        }
        catch
        {
            await owned.DisposeAsync();
            outbound.Dispose();
            throw;
        }
    }

    /// <summary>Counts a request in. False when the snapshot is no longer in force: use its successor.</summary>
    public bool TryEnter()
    {
        for (var users = Volatile.Read(ref _users); users > 0;)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
            {
                return true;
            }

            users = seen;
        }

        return false;
    }

    /// <summary>Serves a request that <see cref="TryEnter"/> counted in.</summary>
    public async Task HandleAsync(HttpContext http)
    {
        try
        {
            if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } body)
            {
                body.MaxRequestBodySize = _maxRequestBytes;
            }

            await _pipeline.HandleAsync(http);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Sends the exports that wait.</summary>
    public Task DrainAsync() => _drain.Value;

    /// <summary>
    /// Takes the snapshot out of force and disposes it when its last request has ended, or after
    /// <paramref name="patience"/>.
    /// </summary>
    public async Task RetireAsync(TimeSpan patience, TimeProvider clock)
    {
        Leave();
        await Task.WhenAny(_unused.Task, Task.Delay(patience, clock));
        try
        {
            await DrainAsync();
        }
        finally
        {
            await _owned.DisposeAsync();
            _ = CloseConnectionsAsync();
        }
    }

    /// <summary>Waits however long a stream lasts: without its client it would be cut.</summary>
    private async Task CloseConnectionsAsync()
    {
        await _unused.Task;
        _outbound.Dispose();
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            _unused.TrySetResult();
        }
    }

    private static async Task<GatewaySnapshot> CreateAsync(
        GatewayConfig config,
        GatewaySnapshot? previous,
        ProcessParts services,
        OutboundHttp outbound,
        OwnedResources owned,
        CancellationToken cancellation)
    {
        var (clock, audit, log) = (services.Clock, services.Audit, services.Log);
        if (config.LoadTestMode is { Enabled: true }
            && await new SpendPrincipalStore(services.Database).AnySpendAsync())
        {
            throw new OperatorException(
                "load_test_mode is on, but spend is recorded in this database: people use this gateway. Turn "
                    + "load_test_mode off, or give the load test a database of its own");
        }

        var provider = owned.Add(previous is not null && previous.Config.Oidc.SaysTheSameAs(config.Oidc)
            ? previous._provider.Share()
            : new Shared<IdentityProvider>(
                await IdentityProvider.DiscoverAsync(config.Oidc, services.Outbound, clock, log, cancellation)));
        var googleGroups = config.Oidc.GoogleGroups is { } google
            ? owned.Add(GoogleGroups.Create(google, config.Oidc, outbound, clock))
            : null;
        var secrets = new SessionSecrets(config.Session.JwtSecrets);
        var tokens = new SessionTokens(config, secrets, clock);
        var session = new RequireSession(tokens, services.Revocations, clock);

        var routes = new Routes();
        new HealthEndpoints(services.Readiness).Map(routes);
        new ProtocolEndpoint().Map(routes);
        SignInFeature.Map(routes, new SignInParts
        {
            Config = config,
            Database = services.Database,
            Provider = provider.Value,
            GoogleGroups = googleGroups,
            Secrets = secrets,
            Tokens = tokens,
            Revocations = services.Revocations,
            RevocationStore = services.RevocationStore,
            Clock = clock,
            Audit = audit,
            Log = log,
        });
        var accounts = services.SpendAccounts;
        var spend = config.Admin is { } admin
            ? await SpendFeature.StartAsync(config, admin, accounts, clock, audit, log)
            : null;
        var environment = services.Environment;
        var modelRoutes = new ModelRoutes(
            new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels),
            UpstreamList.Create(config, outbound, environment, clock, log));
        var policies = new ManagedPolicies(config.Managed, PushedSettings.From(config, modelRoutes.Placements()));
        if (spend is not null)
        {
            AdminFeature.Map(routes, new AdminParts
            {
                Config = config.Admin!,
                Spend = spend,
                Session = session,
                Revocations = services.RevocationStore,
                Machines = services.Machines,
                Policies = policies,
                Clock = clock,
                Audit = audit,
            });
        }

        var seenMachines = config.Admin is null ? null : services.Machines.Seen;
        var listing = new ModelListing(modelRoutes, policies.ModelsOf);
        new ModelsEndpoint(listing).Map(routes);
        var isLoadTest = config.LoadTestMode is { Enabled: true };
        var inferenceAudit = new InferenceAudit(audit, isLoadTest, clock);
        // Not owned: who waits for a place when this snapshot is replaced still gets it.
        var places = config.Limits.MaxUpstreamRequests is { } most ? UpstreamExchange.Places(most) : null;
        var failover = new FailoverLoop(clock, log);
        var exchange = new UpstreamExchange(modelRoutes, places, failover, new ResponseRelay(clock), inferenceAudit);
        new MessagesEndpoint(
            modelRoutes,
            policies.ModelsOf,
            exchange,
            config.Admin?.BillingGroupTag,
            seenMachines,
            spend?.Gate,
            isLoadTest,
            inferenceAudit).Map(routes);
        new ManagedSettingsEndpoint(policies, seenMachines, audit).Map(routes);
        new BootstrapEndpoint(policies, config, listing.For, clock, audit).Map(routes);
        var relay = owned.Add(CreateRelay(config, services, outbound));
        new OtlpEndpoints(relay).Map(routes);

        var pipeline = new RequestPipeline(new RequestPipelineParts
        {
            Routes = routes,
            ClientAddress = new ClientAddress(config.Listen.TrustedProxies),
            AccessControl = new AccessControl(config.AccessControl, audit),
            Limits = new RequestLimits(config.Limits),
            Session = session,
            TerminatesTls = services.TerminatesTls,
            Clock = clock,
            Audit = audit,
            Log = log,
        });
        return new GatewaySnapshot(config, pipeline, relay, provider, routes, owned, outbound);
    }

    private static OtlpRelay CreateRelay(GatewayConfig config, ProcessParts services, OutboundHttp outbound) =>
        new(
            config.Telemetry,
            new CollectorCredentials(services.Environment, outbound, services.Clock).For,
            outbound,
            services.Clock,
            services.Log);
}
