using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Limits;

/// <summary>How a change of a cap ended: with the cap before and after, or with why it cannot be.</summary>
internal sealed record SpendLimitChange(SpendLimit? Before, SpendLimit? After, string? Problem)
{
    /// <summary>Number of the change in the audit trail; what replicas know the limits by.</summary>
    public long Version { get; init; }

    /// <summary>When the trail says it was made, in milliseconds since the epoch; 0 when nothing was changed.</summary>
    public long RecordedAt { get; init; }
}

/// <summary>
/// The caps in the store. A change and its line in the audit trail are one transaction; changes queue behind each other
/// at the trail's counter, so the trail has no gaps and a replica that knows line n knows every change up to n.
/// </summary>
internal sealed class SpendLimitStore(Database database, string self, TimeProvider clock)
{
    private const string Columns =
        "l.id, l.position, l.scope_type, l.scope_id, l.period, l.amount_cents, l.pool_cents, l.pool_paused, "
            + "l.created_at, l.updated_at";

    private const string IsOfTypes = "($2 = '' OR $2 LIKE '%,' || l.scope_type || ',%')";

    /// <summary>Brings <paramref name="book"/> up to the store's state.</summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task RefreshAsync(LimitBook book)
    {
        var known = book.Version;
        var changes = await database.AllAsync(
            $"SELECT {Columns}, a.id, a.target_id FROM gw_spend_audit AS a LEFT JOIN gw_spend_limit AS l ON l.id = "
                + "a.target_id WHERE a.id > $1 ORDER BY a.id",
            static row => (Version: row.GetInt64(10), Id: row.GetString(11), Limit: row.IsDBNull(0) ? null : Read(row)),
            known);
        if (changes.Count > 0 && changes[0].Version == known + 1)
        {
            book.Apply(
                [.. changes.Select(change => (change.Id, change.Limit)).DistinctBy(change => change.Id)],
                changes[^1].Version);
        }
        else if (changes.Count > 0 || await VersionAsync() != known)
        {
            // The lines in between have been swept.
            await LoadAsync(book);
        }
    }

    /// <summary>Fills <paramref name="book"/> with everything there is.</summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task LoadAsync(LimitBook book)
    {
        var known = book.Version;
        // The version first: a change in between is then applied twice instead of missed.
        var version = await VersionAsync();
        book.Replace(await database.AllAsync($"SELECT {Columns} FROM gw_spend_limit AS l", Read), version, known);
    }

    /// <exception cref="StoreUnavailableException" />
    public Task<SpendLimit?> FindAsync(string id) =>
        database.FirstAsync($"SELECT {Columns} FROM gw_spend_limit AS l WHERE l.id = $1", Read, id);

    /// <summary>
    /// Up to <paramref name="count"/> caps in creation order: those after a position, or those just before one.
    /// </summary>
    /// <param name="types">None for all.</param>
    /// <exception cref="StoreUnavailableException" />
    public async Task<List<SpendLimit>> ListAsync(
        IReadOnlyCollection<SpendScopeType> types, long? after, long? before, int count)
    {
        var names = types.Count == 0 ? "" : $",{string.Join(',', types.Select(SpendScope.TypeNameOf))},";
        if (before is { } end)
        {
            var backwards = await database.AllAsync(
                $"SELECT {Columns} FROM gw_spend_limit AS l WHERE l.position < $1 AND {IsOfTypes} "
                    + "ORDER BY l.position DESC LIMIT $3", Read, end, names, count);
            backwards.Reverse();
            return backwards;
        }

        return await database.AllAsync(
            $"SELECT {Columns} FROM gw_spend_limit AS l WHERE l.position > $1 AND {IsOfTypes} "
                + "ORDER BY l.position LIMIT $3", Read, after ?? 0L, names, count);
    }

    /// <summary>Creates or replaces the cap of a scope and period.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<SpendLimitChange> UpsertAsync(SpendLimitDraft draft, string actor) =>
        ChangeAsync(async transaction =>
        {
            var version = await LockAsync(transaction) + 1;
            var recordedAt = 0L;
            var before = await transaction.FirstAsync(
                $"SELECT {Columns} FROM gw_spend_limit AS l WHERE l.scope_key = $1 AND l.period = $2", Read,
                CounterKey.Of(draft.Scope).ToBytes(), (int)draft.Period);
            var (after, problem) = draft.Merge(before, version, NewId, Now());
            if (after is not null)
            {
                await WriteAsync(transaction, after);
                recordedAt = await RecordAsync(
                    transaction, version, actor, "spend_limit.upsert", after.Id, before, after);
            }

            return new SpendLimitChange(before, after, problem) { Version = version, RecordedAt = recordedAt };
        });

    /// <summary>Deletes a cap; <see cref="SpendLimitChange.Before"/> is null when there is none of that id.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<SpendLimitChange> DeleteAsync(string id, string actor) =>
        ChangeAsync(async transaction =>
        {
            var version = await LockAsync(transaction) + 1;
            var recordedAt = 0L;
            var before = await transaction.FirstAsync(
                $"SELECT {Columns} FROM gw_spend_limit AS l WHERE l.id = $1", Read, id);
            if (before is not null)
            {
                await transaction.ExecuteAsync("DELETE FROM gw_spend_limit WHERE id = $1", id);
                recordedAt = await RecordAsync(transaction, version, actor, "spend_limit.delete", id, before, null);
            }

            return new SpendLimitChange(before, null, null) { Version = version, RecordedAt = recordedAt };
        });

    /// <summary>Newest first, older than <paramref name="before"/> when it is given.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<List<SpendAuditEntry>> ListAuditAsync(long? before, int count) =>
        database.AllAsync(
            "SELECT id, created_at, actor, action, target_id, before_limit, after_limit, reason FROM gw_spend_audit "
                + "WHERE id < $1 ORDER BY id DESC LIMIT $2",
            static row =>
                new SpendAuditEntry(
                    row.GetInt64(0), Time(row.GetInt64(1)), row.GetString(2), row.GetString(3), row.GetString(4),
                    Text(row, 5), Text(row, 6), Text(row, 7)),
            before ?? long.MaxValue,
            count);

    /// <summary>
    /// Runs a change once. When the store went away before it confirmed the COMMIT, the trail tells whether the change
    /// holds: its numbers are given out under one lock, so a line of this number, time and target is this change's.
    /// </summary>
    private async Task<SpendLimitChange> ChangeAsync(Func<DatabaseTransaction, Task<SpendLimitChange>> work)
    {
        SpendLimitChange? made = null;
        try
        {
            return await database.InTransactionAsync(async transaction => made = await work(transaction));
        }
        catch (StoreOutcomeUnknownException) when (made is not null)
        {
            try
            {
                if (made.RecordedAt == 0 || await IsRecordedAsync(made))
                {
                    return made;
                }
            }
            catch (StoreUnavailableException)
            {
                // Nobody can look now; what the caller is told says so.
            }

            throw;
        }
    }

    private async Task<bool> IsRecordedAsync(SpendLimitChange made) =>
        await database.FirstAsync(
            "SELECT 1 FROM gw_spend_audit WHERE id = $1 AND target_id = $2 AND created_at = $3",
            static row => row.GetInt32(0),
            made.Version,
            (made.After ?? made.Before)!.Id,
            made.RecordedAt) == 1;

    private Task<long> VersionAsync() =>
        database.FirstAsync("SELECT value FROM gw_spend_sequence WHERE name = 'audit'", static row => row.GetInt64(0));

    /// <summary>
    /// Appends lines to the trail, numbered one after the other from the last one that <see cref="LockAsync"/>
    /// returned, and tells the other replicas.
    /// </summary>
    public async Task AppendAsync(DatabaseTransaction transaction, IReadOnlyList<SpendAuditEntry> lines)
    {
        var last = lines[^1].Id;
        await transaction.ExecuteAsync("UPDATE gw_spend_sequence SET value = $1 WHERE name = 'audit'", last);
        await transaction.ExecuteManyAsync(
            "INSERT INTO gw_spend_audit (id, created_at, actor, action, target_id, before_limit, after_limit, reason) "
                + "VALUES ($1, $2, $3, $4, $5, CAST($6 AS text), CAST($7 AS text), CAST($8 AS text))",
            lines.Select(line => new object?[]
            {
                line.Id, line.CreatedAt.ToUnixTimeMilliseconds(), line.Actor, line.Action, line.TargetId, line.Before,
                line.After, line.Reason,
            }));
        await transaction.NotifyAsync(
            new ReplicaMessage("limits", self, last.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Every cap there is.</summary>
    public static Task<List<SpendLimit>> AllAsync(DatabaseTransaction transaction) =>
        transaction.AllAsync($"SELECT {Columns} FROM gw_spend_limit AS l ORDER BY l.position", Read);

    /// <summary>
    /// Makes changes queue up before they read; SQLite does so by itself. Returns the number of the last one.
    /// </summary>
    public static Task<long> LockAsync(DatabaseTransaction transaction) =>
        transaction.FirstAsync(
            $"SELECT value FROM gw_spend_sequence WHERE name = 'audit'{(transaction.IsPostgres ? " FOR UPDATE" : "")}",
            static row => row.GetInt64(0));

    /// <summary>Writes a new cap, or what may change of one that is there.</summary>
    public static Task<int> WriteAsync(DatabaseTransaction transaction, SpendLimit limit) =>
        transaction.ExecuteAsync(
            """
            INSERT INTO gw_spend_limit (id, position, scope_type, scope_id, scope_key, period, amount_cents,
              pool_cents, pool_paused, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, CAST($7 AS bigint), CAST($8 AS bigint), CAST($9 AS int), $10, $11)
            ON CONFLICT (id) DO UPDATE SET amount_cents = excluded.amount_cents, pool_cents = excluded.pool_cents,
              pool_paused = excluded.pool_paused, updated_at = excluded.updated_at
            """,
            limit.Id,
            limit.Position,
            limit.Scope.TypeName,
            limit.Scope.Id,
            CounterKey.Of(limit.Scope).ToBytes(),
            (int)limit.Period,
            limit.AmountCents,
            limit.Pool?.AmountCents,
            limit.Pool is { } pool ? (pool.IsPaused ? 1 : 0) : null,
            limit.CreatedAt.ToUnixTimeMilliseconds(),
            limit.UpdatedAt.ToUnixTimeMilliseconds());

    /// <returns>The time of the line.</returns>
    private async Task<long> RecordAsync(
        DatabaseTransaction transaction,
        long version,
        string actor,
        string action,
        string id,
        SpendLimit? before,
        SpendLimit? after)
    {
        var now = Now();
        var line = new SpendAuditEntry(
            version,
            now,
            actor,
            action,
            id,
            before is null ? null : SpendLimitJson.Snapshot(before),
            after is null ? null : SpendLimitJson.Snapshot(after));
        await AppendAsync(transaction, [line]);
        return now.ToUnixTimeMilliseconds();
    }

    private static SpendLimit Read(DbDataReader row)
    {
        var isPaused = row.IsDBNull(7) ? (bool?)null : row.GetInt32(7) != 0;
        return new SpendLimit(
            row.GetString(0),
            row.GetInt64(1),
            new SpendScope(SpendScope.ParseType(row.GetString(2)) ?? SpendScopeType.User, row.GetString(3)),
            (SpendPeriod)row.GetInt32(4),
            row.IsDBNull(5) ? null : row.GetInt64(5),
            isPaused is { } paused ? new PooledBudget(row.IsDBNull(6) ? null : row.GetInt64(6), paused) : null,
            Time(row.GetInt64(8)),
            Time(row.GetInt64(9)));
    }

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    private DateTimeOffset Now() => Time(clock.GetUtcNow().ToUnixTimeMilliseconds());

    private static string NewId() => "spl_" + RandomNumberGenerator.GetHexString(32, lowercase: true);
}
