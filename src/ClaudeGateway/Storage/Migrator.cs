using System.Data.Common;
using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>One step of the schema; once released it is never changed, only followed by another.</summary>
/// <param name="Sql">One or more statements that PostgreSQL 11 and SQLite 3.35 both take.</param>
internal sealed record Migration(int Id, string Name, string Sql);

/// <summary>
/// Applies the missing migrations in one transaction under a lock, so that replicas may start together and a failure
/// leaves nothing behind. An up-to-date schema needs neither the lock nor the right to create tables.
/// </summary>
internal sealed class Migrator(Database database, TimeProvider clock, OperationalLog log)
{
    /// <summary>Key of the advisory lock, "cgw" in ASCII.</summary>
    private const long LockKey = 0x636777;

    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LockLimit = TimeSpan.FromMinutes(1);

    /// <exception cref="OperatorException">Another process holds the lock for too long.</exception>
    public async Task RunAsync(IReadOnlyList<Migration> migrations)
    {
        if ((await AppliedAsync()).IsSupersetOf(migrations.Select(m => m.Id)))
        {
            return;
        }

        var applied = await database.InTransactionAsync(
            transaction => ApplyAsync(transaction, migrations), LockLimit + TimeSpan.FromMinutes(5));
        if (applied > 0)
        {
            log.Info($"store: applied {applied} migration{(applied == 1 ? "" : "s")}");
        }
    }

    /// <summary>Ids of the migrations that the store has; none where it is new.</summary>
    public async Task<HashSet<int>> AppliedAsync()
    {
        try
        {
            return [.. await database.AllAsync("SELECT id FROM gw_migration", static row => row.GetInt32(0))];
        }
        catch (DbException e)
            when (
                e is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable }
                or SqliteException { SqliteErrorCode: 1 })
        {
            return [];
        }
    }

    private async Task<int> ApplyAsync(DatabaseTransaction transaction, IReadOnlyList<Migration> migrations)
    {
        if (transaction.IsPostgres)
        {
            await LockAsync(transaction);
        }

        await transaction.ExecuteAsync(
            "CREATE TABLE IF NOT EXISTS gw_migration (id int PRIMARY KEY, name text NOT NULL, applied_at bigint NOT "
                + "NULL)");
        var applied = (await transaction.AllAsync("SELECT id FROM gw_migration",
            static row => row.GetInt32(0))).ToHashSet();
        var count = 0;
        foreach (var migration in migrations.Where(m => !applied.Contains(m.Id)))
        {
            await transaction.ExecuteAsync(migration.Sql);
            await transaction.ExecuteAsync(
                "INSERT INTO gw_migration (id, name, applied_at) VALUES ($1, $2, $3)",
                migration.Id,
                migration.Name,
                clock.GetUtcNow().ToUnixTimeMilliseconds());
            count++;
        }

        return count;
    }

    /// <summary>
    /// The lock belongs to the transaction, not to the session, so that it also works behind a transaction pooler.
    /// </summary>
    private async Task LockAsync(DatabaseTransaction transaction)
    {
        var start = clock.GetTimestamp();
        var isWaiting = false;
        while (!await transaction.FirstAsync(
            "SELECT pg_try_advisory_xact_lock($1)", static row => row.GetBoolean(0), LockKey))
        {
            if (clock.GetElapsedTime(start) > LockLimit)
            {
                throw new OperatorException(
                    $"another process has held the migration lock for {LockLimit.TotalSeconds:0} s; look for key "
                        + $"{LockKey} in pg_locks and end that session");
            }

            if (!isWaiting)
            {
                log.Info($"waiting for the migration lock: another replica is migrating (key {LockKey} in pg_locks)");
                isWaiting = true;
            }

            await Task.Delay(LockPause, clock);
        }
    }
}
