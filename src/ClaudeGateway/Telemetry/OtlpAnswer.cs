using System.Net.Http.Headers;

namespace ClaudeGateway.Telemetry;

/// <summary>How one attempt to send an export ended.</summary>
/// <param name="IsAccepted">A 2xx answer; a partial success is a success (OTLP 1.x, "Partial Success").</param>
/// <param name="IsFailure">Counts towards the breaker: no answer, a redirect or a 5xx. A 4xx only refuses the
/// payload.</param>
/// <param name="Text">For the log; names no secret.</param>
internal sealed record OtlpAnswer(
    bool IsAccepted, bool IsFailure, bool IsRetryable, string Text, RetryConditionHeaderValue? RetryAfter = null);
