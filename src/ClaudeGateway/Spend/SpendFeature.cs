using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Outbound;
using ClaudeGateway.Spend.Alerts;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Prices;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend;

/// <summary>Limiting and metering as one configuration wants it, over the accounts of the process.</summary>
internal sealed class SpendFeature : IAsyncDisposable
{
    private readonly RetentionSweep _sweep;
    private readonly AlertSender? _alertSender;

    private SpendFeature(GatewayConfig config, AdminConfig admin, SpendAccounts accounts, OutboundHttp outbound, TimeProvider clock, AuditLog audit, OperationalLog log)
    {
        Accounts = accounts;
        GroupLimitMode = admin.GroupLimitMode;
        var alerts = admin.Alerts is { } told ? new SpendAlerts(told.Thresholds, admin.GroupLimitMode, accounts.Book, accounts.Ledger) : null;
        _alertSender = alerts is null ? null : new AlertSender(admin.Alerts!, alerts, new AlertStore(accounts.Database, clock), outbound.CreateClient(new OutboundOptions()), clock, log);
        var meter = new SpendMeter(new PriceList(config.Pricing, log), accounts, alerts, log);
        Gate = new SpendGate(admin, config.Enforcement.FailClosedOnError, accounts, meter, alerts, clock, audit);
        _sweep = new RetentionSweep(accounts.Database, admin, clock, log);
    }

    public SpendAccounts Accounts { get; }

    public GroupLimitMode GroupLimitMode { get; }

    public SpendGate Gate { get; }

    /// <exception cref="StoreUnavailableException" />
    public static async Task<SpendFeature> StartAsync(GatewayConfig config, AdminConfig admin, SpendAccounts accounts, OutboundHttp outbound, TimeProvider clock, AuditLog audit, OperationalLog log)
    {
        await accounts.StartAsync();
        var feature = new SpendFeature(config, admin, accounts, outbound, clock, audit, log);
        feature._sweep.Start();
        feature._alertSender?.Start();
        return feature;
    }

    public async ValueTask DisposeAsync()
    {
        await _sweep.DisposeAsync();
        if (_alertSender is not null)
        {
            await _alertSender.DisposeAsync();
        }
    }
}
