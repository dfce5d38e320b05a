namespace ClaudeGateway.Spend;

/// <summary>US dollars per million tokens of each kind.</summary>
internal readonly record struct TokenRates(decimal Input, decimal Output, decimal CacheRead, decimal CacheWrite5m, decimal CacheWrite1h)
{
    /// <summary>List prices: a cache write costs 1.25 times the input when it lives five minutes, twice when it lives an hour.</summary>
    public static TokenRates Listed(decimal input, decimal output, decimal cacheRead) => new(input, output, cacheRead, input * 1.25m, input * 2);

    public TokenRates Times(decimal factor) => new(Input * factor, Output * factor, CacheRead * factor, CacheWrite5m * factor, CacheWrite1h * factor);
}

/// <summary>What one model on one upstream costs. Immutable; the gateway's multiplier is already in every figure.</summary>
internal sealed record ModelPrice
{
    private const decimal NanoCentsPerDollar = 100m * Money.NanoCentsPerCent;
    private const decimal TokensPerRate = 1_000_000m;
    private const decimal WebSearchDollars = 0.01m;

    public required TokenRates Rates { get; init; }

    /// <summary>Rates of the whole request once its prompt is over <see cref="LongPromptAbove"/> tokens; null when size does not matter.</summary>
    public TokenRates? LongPromptRates { get; init; }

    public long LongPromptAbove { get; init; }

    /// <summary>What fast mode multiplies the token rates by; 1 where there is none.</summary>
    public decimal FastFactor { get; init; } = 1;

    /// <summary>The operator's factor; also on web searches.</summary>
    public decimal Multiplier { get; init; } = 1;

    /// <summary>Whether neither the list nor the operator knows the model, so that a guess is billed.</summary>
    public bool IsGuess { get; init; }

    public Money CostOf(in TokenUsage usage)
    {
        var rates = LongPromptRates is { } longer && usage.Prompt > LongPromptAbove ? longer : Rates;
        var tokens = (usage.Input * rates.Input)
            + (usage.Output * rates.Output)
            + (usage.CacheRead * rates.CacheRead)
            + (usage.CacheWrite5m * rates.CacheWrite5m)
            + (usage.CacheWrite1h * rates.CacheWrite1h);
        var dollars = (tokens / TokensPerRate * (usage.IsFast ? FastFactor : 1)) + (usage.WebSearches * WebSearchDollars);
        var nanoCents = Math.Round(dollars * Multiplier * NanoCentsPerDollar, MidpointRounding.ToEven);
        return nanoCents >= Money.MaxDelta.NanoCents ? Money.MaxDelta : new Money((long)nanoCents);
    }
}
