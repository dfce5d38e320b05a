using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>
/// Deletes spend, identities and audit lines past their retention, once an hour. Names and addresses go after
/// <c>identity_retention_days</c> without a request; the bare subject stays as long as his spend does.
/// </summary>
internal sealed class RetentionSweep(Database database, AdminConfig config, TimeProvider clock, OperationalLog log) : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    /// <summary>A writer silent for so long has no batch left to send again.</summary>
    private static readonly TimeSpan WriterRetention = TimeSpan.FromDays(30);

    /// <summary>Longer than the longest period, within which none may be told twice.</summary>
    private static readonly TimeSpan AlertRetention = TimeSpan.FromDays(40);

    private BackgroundLoop? _loop;

    public void Start() => _loop = BackgroundLoop.Start(cancellation => Task.Delay(Period, clock, cancellation), SweepAsync, "spend: records past their retention stay for another hour", log);

    public ValueTask DisposeAsync() => _loop?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <exception cref="StoreUnavailableException" />
    public async Task SweepAsync()
    {
        var now = clock.GetUtcNow();
        var firstMonth = SpendPeriod.Monthly.Start(SpendPeriods.Day(now)).AddMonths(-config.SpendRetentionMonths).DayNumber;
        foreach (var period in SpendPeriods.All)
        {
            await database.ExecuteAsync("DELETE FROM gw_spend_counter WHERE period = $1 AND start_day < $2", (int)period, firstMonth);
        }

        var lastSeen = now.AddDays(-config.IdentityRetentionDays).ToUnixTimeMilliseconds();
        await database.ExecuteAsync("DELETE FROM gw_spend_principal WHERE seen_at < $1 AND NOT EXISTS (SELECT 1 FROM gw_spend_counter AS c WHERE c.key = gw_spend_principal.key)", lastSeen);
        await database.ExecuteAsync("UPDATE gw_spend_principal SET email = NULL, name = NULL, groups = '[]' WHERE seen_at < $1 AND (email IS NOT NULL OR name IS NOT NULL OR groups <> '[]')", lastSeen);
        await database.ExecuteAsync("DELETE FROM gw_spend_audit WHERE created_at < $1", now.AddDays(-config.AuditRetentionDays).ToUnixTimeMilliseconds());
        await database.ExecuteAsync("DELETE FROM gw_spend_alert WHERE created_at < $1", (now - AlertRetention).ToUnixTimeMilliseconds());
        await database.ExecuteAsync("DELETE FROM gw_spend_writer WHERE seen_at < $1", (now - WriterRetention).ToUnixTimeMilliseconds());
    }
}
