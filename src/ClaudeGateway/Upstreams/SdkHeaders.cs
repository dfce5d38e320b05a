using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Upstreams;

/// <summary>
/// The <c>x-stainless-*</c> headers in which Anthropic's SDKs describe themselves, as the client sent them. A message
/// also says how long it may take, which some endpoints in between go by.
/// </summary>
internal static class SdkHeaders
{
    public const string Prefix = "x-stainless-";
    private const string Timeout = Prefix + "timeout";

    /// <summary>Seconds; what the clouds themselves allow.</summary>
    private const string LongestAnswer = "3600";

    public static void Add(HttpRequestMessage request, UpstreamCall call)
    {
        foreach (var (name, values) in call.Request.Http.Request.Headers)
        {
            // Anything but plain text could be signed as one thing and sent as another.
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && values.Count == 1
                && values[0] is { Length: > 0 } value && !value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        if (call.Operation == MessagesOperation.CreateMessage && !request.Headers.Contains(Timeout))
        {
            request.Headers.TryAddWithoutValidation(Timeout, LongestAnswer);
        }
    }
}
