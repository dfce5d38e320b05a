using ClaudeGateway.Logging;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend;

/// <summary>
/// What a process knows of spend and limits: one ledger, whatever configuration is in force. Idle until a configuration with
/// an <c>admin</c> section starts it.
/// </summary>
internal sealed class SpendAccounts : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly OperationalLog _log;
    private Task? _started;

    public SpendAccounts(Database database, ReplicaChannel replicas, TimeProvider clock, OperationalLog log)
    {
        _log = log;
        Database = database;
        Replicas = replicas;
        Book = new LimitBook();
        Ledger = new SpendLedger(clock);
        Limits = new SpendLimitStore(database, replicas.Self, clock);
        Sync = new SpendSync(new SpendRound(database, replicas.Self, clock), Ledger, Book, Limits, replicas, clock, log);
        Principals = new SpendPrincipalStore(database);
    }

    public Database Database { get; }

    public LimitBook Book { get; }

    public SpendLedger Ledger { get; }

    public SpendSync Sync { get; }

    public SpendLimitStore Limits { get; }

    public SpendPrincipalStore Principals { get; }

    public ReplicaChannel Replicas { get; }

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

    /// <summary>Writes what is still in memory, then stops.</summary>
    public ValueTask DisposeAsync() => Sync.DisposeAsync();

    private async Task LoadAsync()
    {
        await Limits.LoadAsync(Book);
        Sync.Start();
    }
}
