using ClaudeGateway.Config;
using ClaudeGateway.Http;

namespace ClaudeGateway.SignIn;

/// <summary>
/// Limits refresh tokens that are not sealed by the gateway. Nothing tells a true one from one that somebody made up
/// except asking the IdP, with the gateway's own client credentials, and no bearer is needed to make it ask: so few may
/// ask at once, and each address (IPv6: each /64) only so often. Tokens of the gateway's own never come here.
/// </summary>
internal sealed class ForeignRefreshLimit(SignInParts parts)
{
    /// <summary>Longer than any IdP's; such a text is refused without being sent anywhere.</summary>
    public const int MaxTokenChars = 16 * 1024;

    private static readonly RateLimitRule PerAddress = new(30, TimeSpan.FromMinutes(1));
    private static readonly TimeSpan PauseWhenFull = TimeSpan.FromSeconds(1);

    private readonly SignInRateLimit _perAddress = parts.RateLimit("foreign_refresh", PerAddress);

    /// <summary>
    /// Runs <paramref name="ask"/> where the limits allow it; else the time to wait before another try.
    /// </summary>
    /// <exception cref="Storage.StoreUnavailableException">The count is kept in the store.</exception>
    public async Task<TimeSpan?> TryAsync(GatewayRequest request, Func<Task> ask)
    {
        if (await _perAddress.HitAsync(request.ClientAddress) is { } wait)
        {
            return wait;
        }

        // Who finds no place is told so at once: a queue would be as long as somebody likes.
        using var place = parts.Provider.TryEnterForeignRefresh();
        if (place is null)
        {
            return PauseWhenFull;
        }

        await ask();
        return null;
    }
}
