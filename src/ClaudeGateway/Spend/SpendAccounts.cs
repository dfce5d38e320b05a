using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Process;
using ClaudeGateway.Spend.Alerts;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend;

/// <summary>
/// What a process knows of spend and limits: one ledger, whatever configuration is in force. Idle until a configuration
/// with an <c>admin</c> section starts it. What goes on beside the requests belongs to it too, and never runs twice: a
/// reload puts another configuration in the place of the one before (<see cref="Use"/>).
/// </summary>
internal sealed class SpendAccounts : IAsyncDisposable
{
    /// <summary>Protects <see cref="_started"/>: of two callers one begins.</summary>
    private readonly Lock _lock = new();
    private readonly OperationalLog _log;
    private readonly AlertSender _alertSender;
    private readonly RetentionSweep _sweep;
    private Task? _started;

    public SpendAccounts(
        Database database, ReplicaChannel replicas, OutboundHttp outbound, TimeProvider clock, OperationalLog log)
    {
        _log = log;
        Database = database;
        Replicas = replicas;
        Book = new LimitBook();
        Ledger = new SpendLedger(clock);
        Limits = new SpendLimitStore(database, replicas.Self, clock);
        Sync = new SpendSync(new SpendRound(database, replicas.Self, clock), Ledger, Book, Limits, replicas, clock,
            log);
        Principals = new SpendPrincipalStore(database);
        Alerts = new SpendAlerts(Ledger);
        var http = outbound.CreateClient(new OutboundOptions());
        _alertSender = new AlertSender(Alerts, new AlertStore(database, clock), http, clock, log);
        _sweep = new RetentionSweep(database, clock, log);
    }

    public Database Database { get; }

    public LimitBook Book { get; }

    public SpendLedger Ledger { get; }

    public SpendSync Sync { get; }

    public SpendLimitStore Limits { get; }

    public SpendPrincipalStore Principals { get; }

    public ReplicaChannel Replicas { get; }

    public SpendAlerts Alerts { get; }

    /// <summary>Reads the limits and begins to keep up with them; does nothing the second time.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task StartAsync()
    {
        lock (_lock)
        {
            return _started is null or { IsFaulted: true } ? _started = LoadAsync() : _started;
        }
    }

    /// <summary>
    /// Makes a change of the limits hold here, and waits at most <paramref name="limit"/> until every replica that can
    /// be reached acts by it too. It never fails: the change is in the store, and who could not be told finds it there.
    /// </summary>
    public async Task PublishAsync(SpendLimitChange change, TimeSpan limit)
    {
        try
        {
            await Limits.RefreshAsync(Book);
            await Replicas.WaitForOthersAsync(change.Version, limit);
        }
        catch (StoreUnavailableException e)
        {
            _log.Warn($"spend: change {change.Version} of the limits is in force once the store is back ({e.Message})");
        }
#pragma warning disable CA1031 // The change has been made; whatever its announcement fails of must not say otherwise.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _log.Error(
                $"spend: change {change.Version} of the limits is in force with the next round: "
                + $"{e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>
    /// Puts alerts and retention of a configuration in force, at once: nothing is told or deleted by the one before
    /// after this call, whatever requests still go on with it.
    /// </summary>
    /// <param name="admin">Null where spend is not limited: nobody is told of anything and nothing is deleted.</param>
    public void Use(AdminConfig? admin)
    {
        // The receiver first: what is noticed by new thresholds is not told to the old one.
        _alertSender.Use(admin?.Alerts);
        Alerts.Use(admin?.Alerts?.Thresholds ?? []);
        _sweep.Use(admin);
    }

    /// <summary>
    /// Writes what is still in memory, trying again until <paramref name="cut"/> while the store is away.
    /// </summary>
    public Task DrainAsync(CancellationToken cut) => Sync.DrainAsync(cut);

    /// <summary>Writes what is still in memory, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        // What is not written yet is written whatever the others fail of.
        await OwnedResources.CloseAsync(_sweep, _log);
        await OwnedResources.CloseAsync(_alertSender, _log);
        await Sync.DisposeAsync();
    }

    private async Task LoadAsync()
    {
        await Limits.LoadAsync(Book);
        Sync.Start();
        _alertSender.Start();
        _sweep.Start();
    }
}
