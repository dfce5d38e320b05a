namespace ClaudeGateway.Spend.Usage;

/// <summary>
/// What one answer is billed for, as its upstream reported it or as estimated from what was sent (spec/spend.md, Usage
/// reading). No count is negative.
/// </summary>
internal readonly record struct TokenUsage
{
    public long Input { get; init; }

    public long Output { get; init; }

    public long CacheRead { get; init; }

    /// <summary>Cache writes that live five minutes.</summary>
    public long CacheWrite5m { get; init; }

    /// <summary>Cache writes that live an hour.</summary>
    public long CacheWrite1h { get; init; }

    public long WebSearches { get; init; }

    /// <summary>Whether the answer came at the fast mode's speed and price.</summary>
    public bool IsFast { get; init; }

    /// <summary>
    /// Everything the model read: decides the tier of models whose price depends on the prompt's size.
    /// </summary>
    public long Prompt => Input + CacheRead + CacheWrite5m + CacheWrite1h;
}
