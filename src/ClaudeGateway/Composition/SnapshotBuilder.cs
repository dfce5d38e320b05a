using ClaudeGateway.Admin;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Http;
using ClaudeGateway.Http.Serving;
using ClaudeGateway.Managed;
using ClaudeGateway.Managed.Desktop;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Messages;
using ClaudeGateway.Models;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn;
using ClaudeGateway.SignIn.Groups;
using ClaudeGateway.SignIn.Oidc;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Telemetry;
using ClaudeGateway.Upstreams;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Composition;

/// <summary>
/// Puts the features of one configuration together: 1. the identity provider, 2. sessions and sign-in, 3. models and
/// policies, 4. spend and the admin API, 5. messages, 6. settings, 7. telemetry, 8. what every request passes before
/// them.
/// </summary>
/// <param name="owned">Takes what has to be disposed with the snapshot.</param>
internal sealed class SnapshotBuilder(
    GatewayConfig config, ProcessParts process, OutboundHttp outbound, OwnedResources owned)
{
    public Routes Routes { get; } = new();

    private bool IsLoadTest => config.LoadTestMode is { Enabled: true };

    private SeenMachines? SeenMachines => config.Admin is null ? null : process.Machines.Seen;

    /// <exception cref="OperatorException">This is a load test, and people use the store.</exception>
    public async Task RefuseLoadTestOfPeopleAsync()
    {
        if (IsLoadTest && await new SpendPrincipalStore(process.Database).AnySpendAsync())
        {
            throw new OperatorException(
                "load_test_mode is on, but spend is recorded in this database: people use this gateway. Turn "
                    + "load_test_mode off, or give the load test a database of its own");
        }
    }

    /// <summary>1. The identity provider.</summary>
    /// <param name="previous">The snapshot in force, whose provider is kept when the <c>oidc</c> section says the same;
    /// null at boot.</param>
    /// <exception cref="OperatorException">The provider cannot be used.</exception>
    public async Task<Shared<IdentityProvider>> ProviderAsync(
        GatewaySnapshot? previous, CancellationToken cancellation) =>
        owned.Add(previous is not null && previous.Config.Oidc.SaysTheSameAs(config.Oidc)
            ? previous.Provider.Share()
            : new Shared<IdentityProvider>(await IdentityProvider.DiscoverAsync(
                config.Oidc, process.Outbound, process.Clock, process.Log, cancellation)));

    /// <exception cref="OperatorException">A service or file the configuration names is not usable.</exception>
    public async Task<(RequestPipeline Pipeline, OtlpRelay Relay)> BuildAsync(IdentityProvider provider)
    {
        new HealthEndpoints(process.Readiness).Map(Routes);
        new ProtocolEndpoint().Map(Routes);

        // 2. Sessions and sign-in.
        var session = MapSignIn(provider);

        // 3. Models and policies.
        var upstreams = UpstreamList.Create(config, outbound, process.Environment, process.Clock, process.Log);
        var models = new ModelRoutes(new ModelCatalog(config.Models, config.AutoIncludeBuiltinModels), upstreams);
        var policies = new ManagedPolicies(config.Managed, PushedSettings.From(config, models.Placements()));
        var listing = new ModelListing(models, policies.ModelsOf);

        // 4. Spend and the admin API.
        var spend = await MapSpendAsync(session, policies);

        // 5. Messages.
        new ModelsEndpoint(listing).Map(Routes);
        MapMessages(models, upstreams, policies, spend);

        // 6. Settings.
        new ManagedSettingsEndpoint(policies, SeenMachines, process.Audit).Map(Routes);
        new BootstrapEndpoint(policies, config, listing.For, process.Clock, process.Audit).Map(Routes);

        // 7. Telemetry.
        var credentials = new CollectorCredentials(process.Environment, outbound, process.Clock);
        var relay = owned.Add(
            new OtlpRelay(
                config.Telemetry, credentials.For, outbound, process.RelayMeters, process.Clock, process.Log));
        new OtlpEndpoints(relay).Map(Routes);

        // 8. What every request passes before them.
        return (Pipeline(session), relay);
    }

    private RequireSession MapSignIn(IdentityProvider provider)
    {
        var secrets = new SessionSecrets(config.Session.JwtSecrets);
        var tokens = new SessionTokens(config, secrets, process.Clock);
        var session = new RequireSession(tokens, process.Revocations, process.Clock);
        SignInFeature.Map(Routes, new SignInParts
        {
            Config = config,
            Database = process.Database,
            Provider = provider,
            UserGroups = new UserGroups(
                config.Oidc,
                config.Oidc.GoogleGroups is { } google
                    ? owned.Add(GoogleGroups.Create(google, config.Oidc, outbound, process.Clock)) : null,
                config.Oidc.EntraGroups
                    ? owned.Add(EntraGroups.Create(config.Oidc, provider, outbound, process.Clock)) : null),
            GroupHasLimit = process.SpendAccounts.Book.NamesGroup,
            Secrets = secrets,
            Tokens = tokens,
            Session = session,
            Revocations = process.Revocations,
            RevocationStore = process.RevocationStore,
            RefreshesHere = process.RefreshesHere,
            Clock = process.Clock,
            Audit = process.Audit,
            Log = process.Log,
        });
        return session;
    }

    /// <returns>Null without an <c>admin</c> section: then nothing is limited or metered.</returns>
    private async Task<SpendFeature?> MapSpendAsync(RequireSession session, ManagedPolicies policies)
    {
        if (config.Admin is not { } admin)
        {
            return null;
        }

        var (accounts, clock, audit) = (process.SpendAccounts, process.Clock, process.Audit);
        var spend = await SpendFeature.StartAsync(config, admin, accounts, clock, audit, process.Log);
        AdminFeature.Map(Routes, new AdminParts
        {
            Config = admin,
            Spend = spend,
            Session = session,
            Revocations = process.RevocationStore,
            Machines = process.Machines,
            Policies = policies,
            Clock = clock,
            Audit = audit,
        });
        return spend;
    }

    private void MapMessages(
        ModelRoutes models, IReadOnlyList<Upstream> upstreams, ManagedPolicies policies, SpendFeature? spend)
    {
        var meters = process.InferenceMeters;
        var audit = new InferenceAudit(process.Audit, meters, IsLoadTest, process.Clock);
        // Not owned: who waits for a place when this snapshot is replaced still gets it.
        var places = config.Limits.MaxUpstreamRequests is { } most ? UpstreamExchange.Places(most) : null;
        var countPlaces = config.Limits.MaxUpstreamRequests is { } limit
            ? UpstreamExchange.Places(UpstreamExchange.CountPlaces(limit)) : null;
        meters.Use(upstreams, places);
        var failover = new FailoverLoop(meters, process.Clock, process.Log);
        var counts = new CountExchange(models, countPlaces, failover, process.Clock, audit);
        var exchange = new UpstreamExchange(
            models, places, counts, failover, new ResponseRelay(meters, process.Clock), audit);
        new MessagesEndpoint(
            models,
            policies.ModelsOf,
            exchange,
            config.Admin?.BillingGroupTag,
            SeenMachines,
            spend?.Gate,
            IsLoadTest,
            audit).Map(Routes);
    }

    private RequestPipeline Pipeline(RequireSession session) => new(new RequestPipelineParts
    {
        Routes = Routes,
        ClientAddress = new ClientAddress(config.Listen.TrustedProxies),
        AccessControl = new AccessControl(config.AccessControl, process.Audit),
        Limits = new RequestLimits(config.Limits),
        Names = new LoopbackNames(config.Listen, process.Log),
        Session = session,
        Meters = process.HttpMeters,
        TerminatesTls = process.TerminatesTls,
        Clock = process.Clock,
        Audit = process.Audit,
        Log = process.Log,
    });
}
