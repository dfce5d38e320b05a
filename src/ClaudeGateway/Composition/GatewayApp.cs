using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using ClaudeGateway.Config;
using ClaudeGateway.Credentials;
using ClaudeGateway.Credentials.Places;
using ClaudeGateway.Http;
using ClaudeGateway.Http.Serving;
using ClaudeGateway.Logging;
using ClaudeGateway.Managed.Machines;
using ClaudeGateway.Messages.Meters;
using ClaudeGateway.Observability;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Sessions;
using ClaudeGateway.SignIn.Refresh;
using ClaudeGateway.Spend;
using ClaudeGateway.Storage;
using ClaudeGateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Composition;

/// <summary>
/// The composition root: opens what lives as long as the process, builds the features of one configuration
/// (<see cref="GatewaySnapshot"/>) and starts the server, in the reference's order (spec/config.md, Order of checks).
/// Nothing refers back to it.
/// </summary>
internal sealed class GatewayApp : IAsyncDisposable
{
    private readonly ProcessParts _services;
    private readonly OwnedResources _owned;

    /// <summary>Replaced snapshots, each until its last request has ended; it is also the lock over itself.</summary>
    private readonly List<Task> _retiring = [];
    private readonly GatewayExports? _exports;
    private WebApplication? _server;
    private volatile GatewaySnapshot _snapshot;

    private GatewayApp(
        ProcessParts services, GatewaySnapshot snapshot, GatewayExports? exports, OwnedResources owned)
    {
        _services = services;
        _exports = exports;
        _snapshot = snapshot;
        _owned = owned;
    }

    /// <summary>Where the gateway listens, e.g. <c>http://127.0.0.1:8080</c>, with the real port.</summary>
    public string Address => _server!.Urls.First();

    /// <summary>Requests that are being served, those of replaced configurations included.</summary>
    public long OpenRequests => _services.HttpMeters.Active;

    /// <summary>Where <c>/metrics</c> is; null when it is not served.</summary>
    public string? MetricsAddress => _exports?.MetricsAddress;

    /// <summary>Tells what became of an attempt to put another configuration in force.</summary>
    public void Reloaded(bool isInForce) => _services.ConfigMeters.Reloaded(isInForce);

    /// <summary>Every path that is served, for the test of docs/protocol.md.</summary>
    public IReadOnlyList<string> Paths => _snapshot.Paths;

    /// <summary>How long a stopping gateway goes on serving; of the configuration in force.</summary>
    public TimeSpan DrainDelay => _snapshot.Config.Listen.DrainDelay;

    /// <exception cref="OperatorException">A service or file the gateway needs is not usable.</exception>
    public static async Task<GatewayApp> StartAsync(
        GatewayConfig config,
        ProcessEnvironment environment,
        TimeProvider clock,
        AuditLog audit,
        OperationalLog log,
        CancellationToken cancellation)
    {
        audit.ConfigLoad(config.Path, config.Sha256, config.ETag);
        BootReport.WriteBanner(log);
        var owned = new OwnedResources(log);
        try
        {
            var app = await StartAsync(config, environment, clock, audit, log, owned, cancellation);
            BootReport.Write(app._snapshot.Config, environment, clock, log);
            return app;
        }
        catch (Exception e)
        {
            if (e is OperatorException or StoreUnavailableException or DbException)
            {
                // What is odd about the configuration often says why.
                BootReport.WriteWarnings(config, environment, clock, log);
            }

            await owned.DisposeAsync();
            if (e is StoreUnavailableException)
            {
                throw new OperatorException($"the store went away while the gateway started: {e.Message}", e);
            }

            if (e is DbException refused)
            {
                throw new OperatorException(Refusal(refused), refused);
            }

            throw;
        }
    }

    /// <summary>
    /// Puts another configuration in force: requests that began keep the old one. What a running server cannot change
    /// (<c>listen</c>, <c>store</c>) must be as it was.
    /// </summary>
    /// <exception cref="OperatorException">The new configuration cannot be put in force; the old one is.</exception>
    public async Task ReloadAsync(GatewayConfig config, CancellationToken cancellation)
    {
        var next = await CreateSnapshotAsync(config, cancellation);
        var previous = _snapshot;
        _snapshot = next;
        _services.SpendAccounts.Use(config.Admin);
        _services.Audit.ConfigLoad(config.Path, config.Sha256, config.ETag);
        _services.ConfigMeters.InForce(config.Sha256);
        lock (_retiring)
        {
            _retiring.RemoveAll(task => task.IsCompleted);
            // A stream may last as long as a model thinks; nothing waits for this task but the end of the process.
            _retiring.Add(RetireAsync(previous, TimeSpan.FromHours(2)));
        }
    }

    /// <summary>
    /// Says "not ready" for <c>listen.drain_delay_seconds</c>, then refuses new connections, lets open requests finish
    /// within <paramref name="drain"/> or until <paramref name="cut"/>, then cuts them.
    /// </summary>
    public async Task StopAsync(TimeSpan drain, CancellationToken cut = default)
    {
        if (_services.Readiness.TryStop())
        {
            await Task.Delay(DrainDelay, _services.Clock, cut).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        using var timeout = new Deadline(drain, _services.Clock, cut);
        await _server!.StopAsync(timeout.Token);
        await Task.WhenAll(_snapshot.DrainAsync(), _services.SpendAccounts.DrainAsync(timeout.Token));
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await _owned.DisposeAsync();
    }

    /// <summary>Ends the server first, so that no request comes for what is closed after it.</summary>
    private async Task CloseAsync()
    {
        if (_server is not null)
        {
            await OwnedResources.CloseAsync(_server, _services.Log);
        }

        Task[] retiring;
        lock (_retiring)
        {
            retiring = [.. _retiring, RetireAsync(_snapshot, TimeSpan.Zero)];
        }

        await Task.WhenAny(Task.WhenAll(retiring), Task.Delay(TimeSpan.FromSeconds(5), _services.Clock));
    }

    /// <summary>Never throws: nobody waits for it who could act on a failure.</summary>
    [SuppressMessage(
        "Design", "CA1031:Do not catch general exception types",
        Justification = "Nothing else would say that it failed.")]
    private async Task RetireAsync(GatewaySnapshot snapshot, TimeSpan patience)
    {
        try
        {
            await snapshot.RetireAsync(patience, _services.Clock);
        }
        catch (Exception e)
        {
            _services.Log.Error($"ending a replaced configuration failed: {e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>
    /// For a statement that the store understood and refused: a missing right, a table of another version.
    /// </summary>
    private static string Refusal(DbException refused) =>
        $"the store refuses what the configuration needs: {StoreErrors.Describe(refused)}. Check its user's rights";

    private static async Task<GatewayApp> StartAsync(
        GatewayConfig config,
        ProcessEnvironment environment,
        TimeProvider clock,
        AuditLog audit,
        OperationalLog log,
        OwnedResources owned,
        CancellationToken cancellation)
    {
        var tls = config.Listen.Tls is { } files ? new TlsCertificate(files, clock, log) : null;
        var outbound = owned.Add(new OutboundHttp(environment, log));
        config = await WithPlacesAsync(config, environment, outbound, clock, log, cancellation);
        StoreToken? token = DatabaseTokens.For(config.Store, environment, outbound, clock) is { } tokens
            ? tokens.GetAsync : null;
        var store = new StoreStartup(config, StoreTables.Migrations, environment, clock, log, token);
        var database = owned.Add(await store.OpenAsync(cancellation));
        config = await WithSecretAsync(config, database, clock, log);
        var sweep = owned.Add(new ExpirySweep(database, StoreTables.Expiry, clock, log));
        var revocations = new Revocations(clock);
        var revocationStore = new RevocationStore(database, revocations, clock);
        var replicas = owned.Add(new ReplicaChannel(database, clock, log));
        var relay = new RelayMeters(audit.Meter);
        var exports = await GatewayExports.StartAsync(
            config.Observability,
            new ExportParts
            {
                Meter = audit.Meter,
                Instance = replicas.Self,
                Outbound = outbound,
                Authorizer = new CollectorCredentials(environment, outbound, clock).For,
                Relay = relay,
                Clock = clock,
                Audit = audit,
                Log = log,
            },
            cancellation);
        if (exports is not null)
        {
            owned.Add(exports);
        }

        var revocationSync = owned.Add(new RevocationSync(revocationStore, revocations, replicas, clock, log));
        var storeHealth = new StoreHealth(database, config.Store.ReadinessGrace, clock, log);
        var readiness = new Readiness(new SharedProbe(storeHealth.ObstacleAsync, clock).AskAsync);
        var accounts = owned.Add(new SpendAccounts(database, replicas, outbound, clock, log));
        var machines = owned.Add(new MachineRegister(database, clock, log));
        var services = new ProcessParts
        {
            Environment = environment,
            Clock = clock,
            Audit = audit,
            Log = log,
            Database = database,
            Readiness = readiness,
            Outbound = outbound,
            Revocations = revocations,
            RevocationStore = revocationStore,
            RefreshesHere = new RefreshesHere(clock, log),
            SpendAccounts = accounts,
            Machines = machines,
            HttpMeters = new HttpMeters(audit.Meter, clock),
            InferenceMeters = new InferenceMeters(
                audit.Meter, new GroupLabels(config.Observability?.GroupLabels ?? [])),
            RelayMeters = relay,
            ConfigMeters = new ConfigMeters(audit.Meter),
            TerminatesTls = tls is not null,
        };

        Measure(config, services, tls);
        var app = new GatewayApp(
            services, await GatewaySnapshot.CreateAsync(config, null, services, cancellation), exports, owned);
        try
        {
            app._server = GatewayServer.Create(config, tls, app.HandleAsync);
            await revocationSync.StartAsync();
            await GatewayServer.StartAsync(app._server, config.Listen, cancellation);
        }
        catch
        {
            await app.CloseAsync();
            throw;
        }

        accounts.Use(config.Admin);
        sweep.Start();
        replicas.Start();
        machines.Start();
        log.Always($"claude gateway listening on {app.Address}");
        if (outbound.ProxyIsEgressBoundary)
        {
            _ = BackgroundLoop.DoAsync(
                () => EgressBoundary.WarnIfMetadataIsReachableAsync(outbound.Proxy, log, clock),
                "network: nobody knows whether the proxy keeps the cloud metadata address away",
                log);
        }

        return app;
    }

    private static void Measure(GatewayConfig config, ProcessParts services, TlsCertificate? tls)
    {
        var meter = services.Audit.Meter;
        services.ConfigMeters.InForce(config.Sha256);
        SpendMeters.Measure(meter, services.SpendAccounts);
        if (tls is not null)
        {
            ConfigMeters.Measure(meter, tls);
        }

        if (config.Observability is not null)
        {
            services.Machines.Measure(meter);
        }
    }

    /// <summary>With the regions and projects that the configuration leaves to the cloud.</summary>
    private static async Task<GatewayConfig> WithPlacesAsync(
        GatewayConfig config,
        ProcessEnvironment environment,
        OutboundHttp outbound,
        TimeProvider clock,
        OperationalLog log,
        CancellationToken cancellation)
    {
        var places = await UpstreamPlaces.FindAsync(config.Upstreams, environment, outbound, clock, cancellation);
        foreach (var note in places.Notes)
        {
            log.Info(note);
        }

        return config with { Upstreams = places.Upstreams };
    }

    /// <summary>With the secret that is kept in the store, where the configuration has none.</summary>
    private static async Task<GatewayConfig> WithSecretAsync(
        GatewayConfig config, Database database, TimeProvider clock, OperationalLog log)
    {
        if (config.Session.JwtSecrets.Count > 0)
        {
            return config;
        }

        var secret = await new KeptSecret(database, clock).GetAsync();
        log.Info(
            "session secret: GATEWAY_JWT_SECRET is not set, so bearers are signed with one that was made once and is kept "
                + $"in the database for all replicas ({KeptSecret.Table}); whoever can read that table can make bearers. "
                + "To bring your own, set GATEWAY_JWT_SECRET (32 characters or more, such as openssl rand -hex 32)");
        return config with { Session = config.Session with { JwtSecrets = [secret] } };
    }

    private async Task<GatewaySnapshot> CreateSnapshotAsync(GatewayConfig config, CancellationToken cancellation)
    {
        try
        {
            return await GatewaySnapshot.CreateAsync(config, _snapshot, _services, cancellation);
        }
        catch (StoreUnavailableException e)
        {
            throw new OperatorException($"the store does not answer: {e.Message}", e);
        }
        catch (DbException e)
        {
            throw new OperatorException(Refusal(e), e);
        }
    }

    private Task HandleAsync(HttpContext http)
    {
        var snapshot = _snapshot;
        while (!snapshot.TryEnter())
        {
            // Between the look and the count another configuration came into force.
            snapshot = _snapshot;
        }

        return snapshot.HandleAsync(http);
    }
}
