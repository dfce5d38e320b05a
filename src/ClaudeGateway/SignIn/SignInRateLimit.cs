using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn;

/// <summary>
/// Sign-in attempts per client address in fixed windows from the first hit, counted in the store for all replicas
/// together (RFC 8628 section 5.1). An IPv6 client is its /64: whoever has one address of it has all.
/// </summary>
internal sealed class SignInRateLimit(Database database, TimeProvider clock, string name, RateLimitRule rule)
{
    /// <summary>Counts one attempt; the time until the window ends when it is one too many, else null.</summary>
    public async Task<TimeSpan?> HitAsync(IPAddress address)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var (hits, ends) = await database.FirstOnceAsync(
            """
            INSERT INTO gw_rate_limit (bucket, hits, expires_at) VALUES ($1, 1, $2)
            ON CONFLICT (bucket) DO UPDATE SET
                hits = CASE WHEN gw_rate_limit.expires_at <= $3 THEN 1 ELSE gw_rate_limit.hits + 1 END,
                expires_at = CASE WHEN gw_rate_limit.expires_at <= $3 THEN $2 ELSE gw_rate_limit.expires_at END
            RETURNING hits, expires_at
            """,
            static row => (row.GetInt32(0), row.GetInt64(1)),
            $"{name}:{ClientNetwork.Of(address)}",
            now + (long)rule.Window.TotalMilliseconds,
            now);
        return hits > rule.Max ? TimeSpan.FromMilliseconds(Math.Max(1, ends - now)) : null;
    }
}
