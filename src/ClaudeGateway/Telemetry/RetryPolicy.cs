using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace ClaudeGateway.Telemetry;

/// <summary>
/// Which failed exports are worth another attempt, and when (OTLP 1.x, "Retryable Response Codes" and "OTLP/HTTP
/// Throttling"): 429, 502, 503, 504 and broken connections. Not a timeout, because the collector may have taken the
/// data.
/// </summary>
internal static class RetryPolicy
{
    public const int MaxAttempts = 4;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(5);

    public static bool IsRetryable(HttpStatusCode status) => (int)status is 429 or 502 or 503 or 504;

    /// <summary>
    /// Exponential with up to 20 % added at random, so that gateways do not retry in step; never before Retry-After.
    /// </summary>
    /// <param name="attempts">Made so far, at least one.</param>
    public static TimeSpan Delay(int attempts, RetryConditionHeaderValue? retryAfter, DateTimeOffset now)
    {
        var own = FirstDelay * Math.Pow(2, attempts - 1) * (1 + (RandomNumberGenerator.GetInt32(200) / 1000.0));
        var asked = retryAfter?.Delta ?? (retryAfter?.Date - now) ?? TimeSpan.Zero;
        return asked > LongestDelay ? LongestDelay : asked > own ? asked : own;
    }
}
