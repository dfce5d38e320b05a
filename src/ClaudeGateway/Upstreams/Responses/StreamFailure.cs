using ClaudeGateway.Http;
using ClaudeGateway.Upstreams.Responses.Quiet;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>How a stream went wrong: what the client is told, and what only the log may say.</summary>
internal sealed record StreamFailure(ApiError Error, string Detail)
{
    /// <summary>The audit's word for a cause that it names; null for the others.</summary>
    public string? Reason { get; init; }

    /// <summary>The upstream has been silent for too long.</summary>
    public static StreamFailure Silent(BodyWatch watch) => new(TimedOut(), watch.Silence) { Reason = "idle_timeout" };

    /// <summary>The stream broke off, or is not what it claims to be.</summary>
    public static StreamFailure Broken(string detail) => new(new ApiError(502, "api_error", "upstream error"), detail);

    /// <summary>
    /// An exception message of Bedrock's event stream (API reference of InvokeModelWithResponseStream, ResponseStream).
    /// </summary>
    /// <param name="type">The message's <c>:exception-type</c>.</param>
    /// <param name="betas">The beta values the request was sent with.</param>
    public static StreamFailure FromException(string type, ReadOnlyMemory<byte> payload, IReadOnlyList<string> betas)
    {
        var body = UpstreamErrorBody.Read(payload);
        var error = type switch
        {
            "throttlingException" => RateLimited(),
            "serviceUnavailableException" => Overloaded(),
            "modelTimeoutException" => TimedOut(),
            "validationException" => UpstreamErrors.BadRequest(body, betas),
            "accessDeniedException" => UpstreamErrors.Translate(403, body, betas),
            "resourceNotFoundException" => UpstreamErrors.Translate(404, body, betas),
            _ => Broken("").Error,
        };
        return new StreamFailure(error, $"{type}: {body.Message}");
    }

    /// <summary>An <c>error</c> event of the Messages API.</summary>
    /// <param name="json">The event's data.</param>
    public static StreamFailure FromErrorEvent(ReadOnlyMemory<byte> json, IReadOnlyList<string> betas)
    {
        var body = UpstreamErrorBody.Read(json);
        var error = body.ErrorType switch
        {
            "rate_limit_error" => RateLimited(),
            "overloaded_error" => Overloaded(),
            "timeout_error" => TimedOut(),
            "invalid_request_error" => UpstreamErrors.BadRequest(body, betas),
            _ => Broken("").Error,
        };
        return new StreamFailure(error, $"{body.ErrorType}: {body.Message}");
    }

    private static ApiError RateLimited() => new(429, "rate_limit_error", "upstream rate limit exceeded");

    private static ApiError Overloaded() => new(529, "overloaded_error", "upstream overloaded");

    private static ApiError TimedOut() => new(504, "timeout_error", "upstream timed out");
}
