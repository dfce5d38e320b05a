using System.Net;
using ClaudeGateway.Config;
using ClaudeGateway.Http;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;

namespace ClaudeGateway.SignIn;

/// <summary>
/// Sign-in attempts per client address in fixed windows from the first hit, counted in the store for all replicas
/// together (RFC 8628 section 5.1). An IPv6 client is its /64: whoever has one address of it has all. Whoever is over
/// the limit is refused from memory until his window ends: he shall not keep the store busy with being refused.
/// </summary>
internal sealed class SignInRateLimit(Database database, TimeProvider clock, string name, RateLimitRule rule)
{
    private const int MaxRemembered = 10_000;

    private readonly RecentlyUsed<Window> _windows = new(MaxRemembered, clock);

    /// <summary>Counts one attempt; the time until the window ends when it is one too many, else null.</summary>
    public async Task<TimeSpan?> HitAsync(IPAddress address)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var network = $"{ClientNetwork.Of(address)}";
        var window = _windows.Get(network, 0, static (_, _) => new Window());
        if (window.OverUntil > now)
        {
            return TimeSpan.FromMilliseconds(window.OverUntil - now);
        }

        var (hits, ends) = await database.FirstOnceAsync(
            """
            INSERT INTO gw_rate_limit (bucket, hits, expires_at) VALUES ($1, 1, $2)
            ON CONFLICT (bucket) DO UPDATE SET
                hits = CASE WHEN gw_rate_limit.expires_at <= $3 THEN 1 ELSE gw_rate_limit.hits + 1 END,
                expires_at = CASE WHEN gw_rate_limit.expires_at <= $3 THEN $2 ELSE gw_rate_limit.expires_at END
            RETURNING hits, expires_at
            """,
            static row => (row.GetInt32(0), row.GetInt64(1)),
            $"{name}:{network}",
            now + (long)rule.Window.TotalMilliseconds,
            now);
        if (hits <= rule.Max)
        {
            return null;
        }

        window.OverUntil = ends;
        return TimeSpan.FromMilliseconds(Math.Max(1, ends - now));
    }

    private sealed class Window
    {
        private long _overUntil;

        /// <summary>When the window ends in which the limit was passed, in milliseconds since the epoch.</summary>
        public long OverUntil
        {
            get => Volatile.Read(ref _overUntil);
            set => Volatile.Write(ref _overUntil, value);
        }
    }
}
