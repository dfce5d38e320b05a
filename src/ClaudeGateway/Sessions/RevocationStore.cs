using ClaudeGateway.Storage;

namespace ClaudeGateway.Sessions;

/// <summary>
/// Ends sessions for all replicas: written to the store, so it survives restarts, and announced, so the others take it
/// over at once. The replica that is asked refuses the tokens even when the store is away; the caller then answers 503,
/// so that the client asks again.
/// </summary>
internal sealed class RevocationStore(Database database, Revocations revocations, TimeProvider clock)
{
    /// <summary>
    /// How long a revocation is kept. Refresh tokens are taken for a day less, so nothing revoked comes back.
    /// </summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(181);

    /// <summary>Ends the session a bearer belongs to; of one that names no session, the bearer alone.</summary>
    /// <exception cref="StoreUnavailableException">Only this replica knows of it.</exception>
    public Task RevokeAsync(Principal principal)
    {
        var now = clock.GetUtcNow();
        return AddAsync(principal.SessionId is { } session
            ? new Revocation(RevocationKind.Session, session, now, now + Lifetime)
            : new Revocation(RevocationKind.Token, principal.TokenId ?? principal.Sub, now, principal.ExpiresAt));
    }

    /// <inheritdoc cref="RevokeAsync"/>
    public Task RevokeSessionAsync(string sessionId)
    {
        var now = clock.GetUtcNow();
        return AddAsync(new Revocation(RevocationKind.Session, sessionId, now, now + Lifetime));
    }

    /// <summary>Signs a person out everywhere: whatever they hold until now ends; they may sign in again.</summary>
    /// <exception cref="StoreUnavailableException">Only this replica knows of it.</exception>
    public Task SignOutAsync(string sub)
    {
        var now = clock.GetUtcNow();
        return AddAsync(new Revocation(RevocationKind.Subject, sub, now, now + Lifetime));
    }

    /// <summary>Everything revoked since, and a little before: the clocks of replicas differ.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<List<Revocation>> SinceAsync(DateTimeOffset moment) => database.AllAsync(
        "SELECT token_key, revoked_at, expires_at FROM gw_revocation WHERE revoked_at >= $1 AND expires_at > $2",
        row => Read(row.GetString(0), row.GetInt64(1), row.GetInt64(2)),
        moment.ToUnixTimeMilliseconds(),
        clock.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>
    /// Takes over at once what other replicas revoked of a session, or of a person by any of these names.
    /// </summary>
    /// <exception cref="StoreUnavailableException" />
    public async Task LookUpAsync(string sessionId, string sub, string otherSub)
    {
        var found = await database.AllAsync(
            "SELECT token_key, revoked_at, expires_at FROM gw_revocation WHERE token_key IN ($1, $2, $3)",
            row => Read(row.GetString(0), row.GetInt64(1), row.GetInt64(2)),
            $"{RevocationKind.Session}:{sessionId}",
            $"{RevocationKind.Subject}:{sub}",
            $"{RevocationKind.Subject}:{otherSub}");
        foreach (var revocation in found)
        {
            revocations.Add(revocation);
        }
    }

    private async Task AddAsync(Revocation revocation)
    {
        revocations.Add(revocation);
        // The row says what shall be, and a second announcement is only a second look.
        await database.InRepeatableTransactionAsync(async transaction =>
        {
            await transaction.ExecuteAsync(
                """
                INSERT INTO gw_revocation (token_key, revoked_at, expires_at) VALUES ($1, $2, $3)
                ON CONFLICT (token_key) DO UPDATE SET revoked_at = $2, expires_at = $3 WHERE gw_revocation.revoked_at <
                  $2
                """,
                $"{revocation.Kind}:{revocation.Id}",
                revocation.At.ToUnixTimeMilliseconds(),
                revocation.Expires.ToUnixTimeMilliseconds());
            await transaction.NotifyAsync(new ReplicaMessage(RevocationSync.Topic));
            return true;
        });
    }

    private static Revocation Read(string key, long at, long expires)
    {
        var colon = key.IndexOf(':', StringComparison.Ordinal);
        return new Revocation(
            Enum.Parse<RevocationKind>(key.AsSpan(0, colon)),
            key[(colon + 1)..],
            DateTimeOffset.FromUnixTimeMilliseconds(at),
            DateTimeOffset.FromUnixTimeMilliseconds(expires));
    }
}
