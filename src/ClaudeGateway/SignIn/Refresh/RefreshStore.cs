using System.Data.Common;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn.Refresh;

/// <summary>Who asks the IdP about a refresh token, and its last sign of life.</summary>
/// <param name="Beat">Changes as long as the holder lives; compared only with itself, since clocks differ.</param>
internal sealed record RefreshLease(string Holder, long Beat);

/// <summary>How it stands with a refresh token, over all replicas: a closed set.</summary>
internal abstract record RefreshState
{
    /// <summary>Whoever is told this asks the IdP, and nobody else does.</summary>
    internal sealed record Taken : RefreshState;

    internal sealed record Held(RefreshLease Lease) : RefreshState;

    internal sealed record Remembered(byte[] Sealed) : RefreshState;

    /// <summary>Its outcome is not remembered any more.</summary>
    internal sealed record Used : RefreshState;
}

/// <summary>
/// One row for each refresh token that was presented, by its hash: being asked about, then its outcome, sealed, for a
/// while, and that it was used until the token is over. No connection or lock is held between two calls, so a pooler in
/// transaction mode will do.
/// </summary>
/// <param name="holder">Names this process; it takes its own leases again, since it asks about one token once at a
/// time.</param>
internal sealed class RefreshStore(Database database, string holder, TimeProvider clock)
{
    private const string Renewed = "renewed";
    private const string Refused = "refused";

    /// <summary>Whether a statement failed of the store, and the work can go on without it.</summary>
    public static bool IsFailure(Exception exception) => exception is StoreUnavailableException or DbException;

    /// <param name="expires">When the refresh token is over.</param>
    /// <param name="dead">A lease whose holder showed no sign of life for too long; null when there is none.</param>
    /// <exception cref="StoreUnavailableException" />
    public Task<RefreshState> TakeAsync(byte[] tokenHash, DateTimeOffset expires, RefreshLease? dead) =>
        database.InRepeatableTransactionAsync<RefreshState>(async on =>
            await on.FirstAsync(
                """
                INSERT INTO gw_refresh (token_hash, status, holder, beat, expires_at)
                VALUES ($1, 'asking', $2, $3, $4)
                ON CONFLICT (token_hash) DO UPDATE SET holder = $2, beat = $3
                WHERE gw_refresh.status = 'asking' AND (gw_refresh.holder = $2
                  OR (gw_refresh.holder = $5 AND gw_refresh.beat = $6))
                RETURNING status
                """,
                static _ => new RefreshState.Taken(),
                tokenHash,
                holder,
                Now(),
                expires.ToUnixTimeMilliseconds(),
                dead?.Holder ?? "",
                dead?.Beat ?? 0) as RefreshState
            ?? await on.FirstAsync(
                "SELECT status, holder, beat, sealed_outcome, remembered_until FROM gw_refresh WHERE token_hash = $1",
                ReadState,
                tokenHash)
            // Given back between the two statements: the next look takes it.
            ?? new RefreshState.Held(new RefreshLease("", 0)));

    /// <summary>Shows that the holder lives.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task BeatAsync(byte[] tokenHash) => database.ExecuteAsync(
        "UPDATE gw_refresh SET beat = $3 WHERE token_hash = $1 AND holder = $2 AND status = 'asking'",
        tokenHash,
        holder,
        Now());

    /// <summary>Gives the token back after an answer that told nothing.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task ReleaseAsync(byte[] tokenHash) => database.ExecuteAsync(
        "DELETE FROM gw_refresh WHERE token_hash = $1 AND holder = $2 AND status = 'asking'", tokenHash, holder);

    /// <summary>
    /// Keeps an outcome. Where two asked all the same, because one of them could not show that it lives, the first
    /// outcome holds, but a success before a refusal: the refusal may only mean that the other one was served.
    /// </summary>
    /// <returns>The outcome that holds, sealed, when it is another one.</returns>
    /// <exception cref="StoreUnavailableException" />
    public Task<byte[]?> RememberAsync(RefreshRecord record) =>
        database.InRepeatableTransactionAsync(async on =>
            await on.ExecuteAsync(
                """
                INSERT INTO gw_refresh (token_hash, status, holder, beat, sealed_outcome, remembered_until, expires_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (token_hash) DO UPDATE SET status = $2, holder = $3, beat = $4, sealed_outcome = $5,
                  remembered_until = $6
                WHERE gw_refresh.status = 'asking' OR gw_refresh.sealed_outcome = $5
                  OR (gw_refresh.status = 'refused' AND $2 = 'renewed')
                """,
                record.TokenHash,
                record.IsRenewed ? Renewed : Refused,
                holder,
                Now(),
                record.Sealed,
                record.RememberedUntil.ToUnixTimeMilliseconds(),
                record.Expires.ToUnixTimeMilliseconds()) == 1
                ? null
                : await on.FirstAsync(
                    "SELECT sealed_outcome FROM gw_refresh WHERE token_hash = $1",
                    static row => row.IsDBNull(0) ? null : row.GetFieldValue<byte[]>(0),
                    record.TokenHash));

    private RefreshState ReadState(DbDataReader row) =>
        row.GetString(0) == "asking" ? new RefreshState.Held(new RefreshLease(row.GetString(1), row.GetInt64(2)))
        : !row.IsDBNull(3) && row.GetInt64(4) > Now() ? new RefreshState.Remembered(row.GetFieldValue<byte[]>(3))
        : new RefreshState.Used();

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>An outcome as the store keeps it.</summary>
/// <param name="Expires">When the refresh token is over.</param>
internal sealed record RefreshRecord(
    byte[] TokenHash, bool IsRenewed, byte[] Sealed, DateTimeOffset RememberedUntil, DateTimeOffset Expires);
