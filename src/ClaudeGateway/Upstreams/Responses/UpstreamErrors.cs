using System.Text.RegularExpressions;
using ClaudeGateway.Http;

namespace ClaudeGateway.Upstreams.Responses;

/// <summary>
/// The one table from a cloud's refusal to what a developer sees: Anthropic's types, and never the cloud's own text,
/// which names accounts, roles and projects (spec/clouds.md, Errors).
/// </summary>
internal static partial class UpstreamErrors
{
    public static readonly ApiError CountTokensUnavailable = new(
        501, "not_supported", "count_tokens is not available on this Bedrock upstream");

    /// <summary>Room for a provider's words around it; a longer text is about something else too.</summary>
    private const int MaxUnnamedBetaLength = 200;

    /// <summary>The error for a refusal other than 5xx (501 is one).</summary>
    /// <param name="betas">The beta values the request was sent with.</param>
    public static ApiError Translate(int status, UpstreamErrorBody body, IReadOnlyList<string> betas) => status switch
    {
        400 => body.AnthropicMessage is { } message ? ApiError.InvalidRequest(message) : BadRequest(body, betas),
        401 => ApiError.Authentication("upstream authentication failed — check the gateway operator"),
        403 => new ApiError(403, "permission_error", "upstream denied the request — check the gateway operator"),
        404 => ApiError.NotFound("upstream resource not found"),
        413 => new ApiError(413, "request_too_large", TooLargeMessage(body)),
        429 => new ApiError(429, "rate_limit_error", "upstream rate limit exceeded"),
        501 => new ApiError(501, "not_supported", "upstream does not support this endpoint"),
        _ => new ApiError(status, "api_error", "upstream error"),
    };

    /// <summary>Bedrock's way of saying 404: it does not have this model, or not for this account or region.</summary>
    public static bool IsModelUnavailable(UpstreamErrorBody body) =>
        IsInvalidModelIdentifier(body) || (body.Message is { } message && ModelUnavailable().IsMatch(message));

    /// <summary>
    /// Whether a 400 says that one of the request's betas is not known and leaves open which. A text that names one is
    /// the client's to react to.
    /// </summary>
    public static bool IsUnnamedBeta(UpstreamErrorBody body, IReadOnlyList<string> betas) =>
        body.Message is { Length: <= MaxUnnamedBetaLength } message
        && message.Contains("invalid beta flag", StringComparison.OrdinalIgnoreCase)
        && !betas.Any(beta => CapabilityRejection.Names(message, beta));

    /// <summary>Bedrock has the model, but only behind an inference profile.</summary>
    public static bool NeedsInferenceProfile(string words) => OnDemandUnsupported().IsMatch(words);

    public static bool IsInvalidModelIdentifier(UpstreamErrorBody body) =>
        body.Message is "The provided model identifier is invalid.";

    /// <summary>A 400 without any of the cloud's own words.</summary>
    public static ApiError BadRequest(UpstreamErrorBody body, IReadOnlyList<string> betas) => ApiError.InvalidRequest(
        body.Message is { } whole && InputTooLong().IsMatch(whole) ? "Input is too long."
        : CapabilityRejection.Find(body.Text, betas) is { } token ? "capability_rejected: " + token
        : "upstream rejected the request");

    private static string TooLargeMessage(UpstreamErrorBody body) =>
        body.AnthropicMessage
        ?? (CapabilityRejection.IsPromptTooLong(body.Text)
                    ? "capability_rejected: " + CapabilityRejection.PromptTooLong
                    : "request too large for this upstream");

    [GeneratedRegex(
        """^\s*(input is too long\.?|the (request|message) size \(\d+ bytes\) exceeds [\d.]+ ?MB limit\.?)\s*$""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex InputTooLong();

    [GeneratedRegex("on-demand throughput isn.t supported", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex OnDemandUnsupported();

    [GeneratedRegex(
        """on-demand throughput isn.t supported|^operation not allowed\.?$|model (identifier|id) is (invalid|not valid)|end of its life""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ModelUnavailable();
}
