using System.Data.Common;
using ClaudeGateway.Config;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>
/// Deletes spend, identities and audit lines past their retention, once an hour. Names and addresses go after
/// <c>identity_retention_days</c> without a request; the bare subject stays as long as his spend does. One for the
/// process: another configuration counts from its next statement on.
/// </summary>
internal sealed class RetentionSweep(Database database, TimeProvider clock, OperationalLog log) : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    /// <summary>A writer silent for so long has no batch left to send again.</summary>
    private static readonly TimeSpan WriterRetention = TimeSpan.FromDays(30);

    /// <summary>Longer than the longest period, within which none may be told twice.</summary>
    private static readonly TimeSpan AlertRetention = TimeSpan.FromDays(40);

    private volatile AdminConfig? _config;
    private BackgroundLoop? _loop;

    public void Start() =>
        _loop = BackgroundLoop.Start(
            cancellation => Task.Delay(Period, clock, cancellation),
            SweepAsync,
            "spend: records past their retention stay for another hour",
            log);

    /// <summary>From now on these retentions count; null deletes nothing.</summary>
    public void Use(AdminConfig? config) => _config = config;

    public ValueTask DisposeAsync() => _loop?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>One round. A statement that the store refuses does not keep the others from theirs.</summary>
    /// <exception cref="StoreUnavailableException" />
    /// <exception cref="AggregateException">The store refused some of the statements.</exception>
    public async Task SweepAsync()
    {
        var refused = new List<Exception>();
        var now = clock.GetUtcNow();
        var month = SpendPeriod.Monthly.Start(SpendPeriods.Day(now));
        await DeleteAsync(
            refused,
            "gw_spend_counter",
            "key, period, start_day",
            "t.start_day < $1",
            config => month.AddMonths(-config.SpendRetentionMonths).DayNumber);
        await DeleteAsync(
            refused,
            "gw_spend_principal",
            "key",
            "t.seen_at < $1 AND NOT EXISTS (SELECT 1 FROM gw_spend_counter AS c WHERE c.key = t.key)",
            LastSeen);
        await RunAsync(
            refused,
            "UPDATE gw_spend_principal SET email = NULL, name = NULL, groups = '[]'",
            "gw_spend_principal",
            "key",
            "t.seen_at < $1 AND (t.email IS NOT NULL OR t.name IS NOT NULL OR t.groups <> '[]')",
            LastSeen);
        await DeleteAsync(
            refused, "gw_spend_audit", "id", "t.created_at < $1", config => Ago(Days(config.AuditRetentionDays)));
        await DeleteAsync(refused, "gw_spend_alert", "id", "t.created_at < $1", _ => Ago(AlertRetention));
        await DeleteAsync(refused, "gw_spend_writer", "id", "t.seen_at < $1", _ => Ago(WriterRetention));
        if (refused.Count > 0)
        {
            throw new AggregateException(refused);
        }

        object Ago(TimeSpan time) => (now - time).ToUnixTimeMilliseconds();
        object LastSeen(AdminConfig config) => Ago(Days(config.IdentityRetentionDays));
        static TimeSpan Days(int days) => TimeSpan.FromDays(days);
    }

    private Task DeleteAsync(
        List<Exception> refused, string table, string key, string condition, Func<AdminConfig, object> limit) =>
        RunAsync(refused, $"DELETE FROM {table}", table, key, condition, limit);

    /// <summary>One statement, by the configuration that is in force when it begins.</summary>
    private async Task RunAsync(
        List<Exception> refused,
        string change,
        string table,
        string key,
        string condition,
        Func<AdminConfig, object> limit)
    {
        if (_config is not { } config)
        {
            return;
        }

        var sql = $"{change} WHERE ({key}) IN (SELECT {key} FROM {table} AS t WHERE {condition} {database.SkipLocked})";
        try
        {
            await database.ExecuteAsync(sql, limit(config));
        }
        catch (DbException e)
        {
            refused.Add(e);
        }
    }
}
