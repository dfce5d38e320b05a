using System.Security.Cryptography;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend;

/// <summary>Everything that limits and meters, wired together; exists only with an <c>admin</c> section.</summary>
internal sealed class SpendFeature : IAsyncDisposable
{
    private readonly RetentionSweep _sweep;

    private SpendFeature(GatewayConfig config, AdminConfig admin, Database database, TimeProvider clock, AuditLog audit, OperationalLog log)
    {
        var self = RandomNumberGenerator.GetHexString(16, lowercase: true);
        Channel = database.IsPostgres ? new ReplicaChannel(database, self, clock, log) : null;
        Book = new LimitBook(admin.GroupLimitMode);
        Ledger = new SpendLedger(clock);
        Limits = new SpendLimitStore(database, self, clock);
        Sync = new SpendSync(new SpendRound(database, self, clock), Ledger, Book, Limits, Channel, clock, log);
        Principals = new SpendPrincipalStore(database);
        var meter = new SpendMeter(new PriceList(config.Pricing, log), Book, Ledger, Sync, log);
        Gate = new SpendGate(admin, config.Enforcement.FailClosedOnError, Book, Ledger, Sync, meter, clock, audit);
        _sweep = new RetentionSweep(database, admin, clock, log);
    }

    public SpendGate Gate { get; }

    public LimitBook Book { get; }

    public SpendLedger Ledger { get; }

    public SpendSync Sync { get; }

    public SpendLimitStore Limits { get; }

    public SpendPrincipalStore Principals { get; }

    public ReplicaChannel? Channel { get; }

    /// <exception cref="StoreUnavailableException" />
    public static async Task<SpendFeature> StartAsync(GatewayConfig config, AdminConfig admin, Database database, TimeProvider clock, AuditLog audit, OperationalLog log)
    {
        var feature = new SpendFeature(config, admin, database, clock, audit, log);
        await feature.Limits.LoadAsync(feature.Book);
        feature.Channel?.Start();
        feature.Sync.Start();
        feature._sweep.Start();
        return feature;
    }

    /// <summary>Writes what is still in memory, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await _sweep.DisposeAsync();
        await Sync.DisposeAsync();
        if (Channel is not null)
        {
            await Channel.DisposeAsync();
        }
    }
}
