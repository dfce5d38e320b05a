using System.Security.Cryptography;
using ClaudeGateway.Logging;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend;

/// <summary>
/// What a process knows of spend and limits: one ledger, whatever configuration is in force. Idle until a configuration with
/// an <c>admin</c> section starts it.
/// </summary>
internal sealed class SpendAccounts : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task? _started;

    public SpendAccounts(Database database, TimeProvider clock, OperationalLog log)
    {
        // Each process is a writer of its own in the store; the name only has to be another one than everybody else's.
        var self = RandomNumberGenerator.GetHexString(16, lowercase: true);
        Database = database;
        Channel = database.IsPostgres ? new ReplicaChannel(database, self, clock, log) : null;
        Book = new LimitBook();
        Ledger = new SpendLedger(clock);
        Limits = new SpendLimitStore(database, self, clock);
        Sync = new SpendSync(new SpendRound(database, self, clock), Ledger, Book, Limits, Channel, clock, log);
        Principals = new SpendPrincipalStore(database);
    }

    public Database Database { get; }

    public LimitBook Book { get; }

    public SpendLedger Ledger { get; }

    public SpendSync Sync { get; }

    public SpendLimitStore Limits { get; }

    public SpendPrincipalStore Principals { get; }

    /// <summary>Null with the embedded store, which has one replica.</summary>
    public ReplicaChannel? Channel { get; }

    /// <summary>Reads the limits and begins to keep up with them; does nothing the second time.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task StartAsync()
    {
        lock (_lock)
        {
            return _started is null or { IsFaulted: true } ? _started = LoadAsync() : _started;
        }
    }

    /// <summary>Writes what is still in memory, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await Sync.DisposeAsync();
        if (Channel is not null)
        {
            await Channel.DisposeAsync();
        }
    }

    private async Task LoadAsync()
    {
        await Limits.LoadAsync(Book);
        Channel?.Start();
        Sync.Start();
    }
}
