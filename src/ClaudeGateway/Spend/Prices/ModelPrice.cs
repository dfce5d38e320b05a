using ClaudeGateway.Spend.Usage;

namespace ClaudeGateway.Spend.Prices;

/// <summary>US dollars per million tokens of each kind.</summary>
internal readonly record struct TokenRates(
    double Input, double Output, double CacheRead, double CacheWrite5m, double CacheWrite1h)
{
    /// <summary>
    /// List prices: a cache write costs 1.25 times the input when it lives five minutes, twice when it lives an hour.
    /// </summary>
    public static TokenRates Listed(double input, double output, double cacheRead) =>
        new(input, output, cacheRead, input * 1.25, input * 2);
}

/// <summary>What one model on one upstream costs. Immutable.</summary>
internal sealed record ModelPrice
{
    private const double TokensPerRate = 1_000_000;
    private const double WebSearchDollars = 0.01;
    private const double CentsPerDollar = 100;

    public required TokenRates Rates { get; init; }

    /// <summary>
    /// Rates of the whole request once its prompt is over <see cref="LongPromptAbove"/> tokens; null when size does not
    /// matter.
    /// </summary>
    public TokenRates? LongPromptRates { get; init; }

    public long LongPromptAbove { get; init; }

    /// <summary>What fast mode multiplies the token rates by; 1 where there is none.</summary>
    public double FastFactor { get; init; } = 1;

    /// <summary>The operator's factor; also on web searches.</summary>
    public double Multiplier { get; init; } = 1;

    /// <summary>Whether neither the list nor the operator knows the model, so that a guess is billed.</summary>
    public bool IsGuess { get; init; }

    /// <summary>
    /// The price of one answer, rounded up to a whole billionth of a cent. Until then it is worked out in double
    /// precision, in the reference's order of operations: whether a developer is shown to be past three quarters of a
    /// cap when he has spent exactly that depends on it.
    /// </summary>
    public Money CostOf(in TokenUsage usage)
    {
        var rates = LongPromptRates is { } longer && usage.Prompt > LongPromptAbove ? longer : Rates;
        var tokens = (usage.Input / TokensPerRate * rates.Input)
            + (usage.Output / TokensPerRate * rates.Output)
            + (usage.CacheRead / TokensPerRate * rates.CacheRead)
            + (usage.CacheWrite5m / TokensPerRate * rates.CacheWrite5m)
            + (usage.CacheWrite1h / TokensPerRate * rates.CacheWrite1h);
        var dollars = (tokens * (usage.IsFast ? FastFactor : 1)) + (usage.WebSearches * WebSearchDollars);
        var nanoCents = Math.Ceiling(dollars * Multiplier * CentsPerDollar * Money.NanoCentsPerCent);
        return nanoCents >= Money.MaxDelta.NanoCents ? Money.MaxDelta : new Money((long)nanoCents);
    }
}
