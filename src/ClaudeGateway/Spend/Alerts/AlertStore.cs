using ClaudeGateway.Storage;

namespace ClaudeGateway.Spend.Alerts;

/// <summary>An alert on its way to the receiver.</summary>
internal sealed record PendingAlert(string Id, string Body, DateTimeOffset CreatedAt, int Attempts);

/// <summary>
/// The alerts of all replicas: whoever inserts one first has it told; whoever leases it tells it. A replica that dies
/// in between leaves it to the others, so the receiver may get one twice, never none.
/// </summary>
internal sealed class AlertStore(Database database, TimeProvider clock)
{
    /// <summary>How many are leased at once: what a replica that dies leaves untold until the lease ends.</summary>
    public const int MaxLeased = 8;

    /// <summary>
    /// How long one replica may take to tell what it has leased: each call one after the other, and the store told of
    /// each.
    /// </summary>
    private static readonly TimeSpan Lease = (AlertSender.CallTimeout + Database.DefaultTimeout) * (MaxLeased + 1);

    /// <summary>Queues an alert; does nothing when it has been queued before, or told.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task AddAsync(SpendAlert alert)
    {
        var now = Now();
        return database.ExecuteAsync(
            "INSERT INTO gw_spend_alert (id, body, created_at, next_attempt_at, attempts) VALUES ($1, $2, $3, $4, 0) "
                + "ON CONFLICT (id) DO NOTHING",
            alert.Id, alert.Body(), now, now);
    }

    /// <summary>Takes what is due, for a while to itself.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<List<PendingAlert>> LeaseAsync()
    {
        var now = Now();
        // Once: a second run would find nothing due, and what the first has taken would wait for its lease to end.
        return database.AllOnceAsync(
            $"""
            UPDATE gw_spend_alert SET attempts = attempts + 1, next_attempt_at = $1
            WHERE next_attempt_at <= $2 AND id IN (
              SELECT id FROM gw_spend_alert WHERE next_attempt_at <= $2 ORDER BY next_attempt_at LIMIT $3
              {database.SkipLocked})
            RETURNING id, body, created_at, attempts
            """,
            static row =>
                new PendingAlert(
                    row.GetString(0),
                    row.GetString(1),
                    DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)),
                    row.GetInt32(3)),
            now + (long)Lease.TotalMilliseconds,
            now,
            MaxLeased);
    }

    /// <summary>Told, or given up: the row stays so that nobody tells it again this period.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task FinishAsync(string id) =>
        database.ExecuteAsync("UPDATE gw_spend_alert SET next_attempt_at = NULL WHERE id = $1", id);

    /// <exception cref="StoreUnavailableException" />
    public Task RetryAsync(string id, TimeSpan pause) =>
        database.ExecuteAsync(
            "UPDATE gw_spend_alert SET next_attempt_at = $1 WHERE id = $2", Now() + (long)pause.TotalMilliseconds, id);

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
