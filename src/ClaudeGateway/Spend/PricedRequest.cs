using ClaudeGateway.Spend.Usage;

namespace ClaudeGateway.Spend;

/// <summary>A request to /v1/messages as far as its cost can be told before it is answered.</summary>
/// <param name="Upstream">Name of the upstream that serves it; until then of the dearest that may.</param>
/// <param name="UpstreamModel">What that upstream calls the model.</param>
/// <param name="ClientModel">The catalogue's id of the model.</param>
/// <param name="BodyBytes">Length of the body.</param>
/// <param name="MaxTokens">The body's <c>max_tokens</c>; 0 without a usable one.</param>
internal readonly record struct PricedRequest(
    string Upstream, string UpstreamModel, string ClientModel, long BodyBytes, long MaxTokens)
{
    /// <summary>
    /// More than any model reads or writes: a longer body carries images, and what a client claims beyond is not
    /// believed.
    /// </summary>
    private const long MaxCountedTokens = 1_000_000;

    /// <summary>The part of <c>max_tokens</c> that is expected at least.</summary>
    private const long LeastPart = 10;

    /// <summary>The input, four bytes of the body a token.</summary>
    public long InputTokens => Math.Min(UsageReader.TokensOf(BodyBytes), MaxCountedTokens);

    /// <summary>All that <c>max_tokens</c> allows.</summary>
    public long MostOutputTokens => Math.Clamp(MaxTokens, 0, MaxCountedTokens);

    /// <summary>The output to reckon with.</summary>
    /// <param name="usual">The developer's mean; null while there is none.</param>
    public long OutputTokens(long? usual)
    {
        var most = MostOutputTokens;
        return most == 0 ? usual ?? 0 : Math.Clamp(usual ?? 0, (most + LeastPart - 1) / LeastPart, most);
    }
}
