using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Spend.Limits;
using ClaudeGateway.Spend.Prices;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend;

/// <summary>Limiting and metering as one configuration wants it, over the accounts of the process.</summary>
internal sealed class SpendFeature
{
    private SpendFeature(
        GatewayConfig config,
        AdminConfig admin,
        SpendAccounts accounts,
        TimeProvider clock,
        AuditLog audit,
        OperationalLog log)
    {
        Accounts = accounts;
        GroupLimitMode = admin.GroupLimitMode;
        var resolver = new LimitResolver(accounts.Book, accounts.Ledger, admin.GroupLimitMode);
        var prices = new PriceList(config.Pricing, log);
        var meter = new SpendMeter(prices, config.Enforcement.Reserve, resolver, accounts, log);
        var refusals = new SpendRefusals(admin.BlockedMessage, clock, audit);
        Gate = new SpendGate(config.Enforcement.FailClosedOnError, accounts, resolver, meter, refusals, clock);
    }

    public SpendAccounts Accounts { get; }

    public GroupLimitMode GroupLimitMode { get; }

    public SpendGate Gate { get; }

    /// <exception cref="StoreUnavailableException" />
    public static async Task<SpendFeature> StartAsync(
        GatewayConfig config,
        AdminConfig admin,
        SpendAccounts accounts,
        TimeProvider clock,
        AuditLog audit,
        OperationalLog log)
    {
        await accounts.StartAsync();
        return new SpendFeature(config, admin, accounts, clock, audit, log);
    }
}
