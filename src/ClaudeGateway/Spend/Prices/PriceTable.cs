using System.Collections.Frozen;

namespace ClaudeGateway.Spend.Prices;

/// <summary>The list prices of Anthropic's models (spec/spend.md, Price table).</summary>
internal static class PriceTable
{
    private const long HaikuLongPrompt = 100_000;

    /// <summary>
    /// Billed for a model nobody knows: the price of today's large models, so that an unknown name is not free.
    /// </summary>
    public static readonly ModelPrice Unknown = new() { Rates = TokenRates.Listed(5, 25, 0.50), IsGuess = true };

    private static readonly FrozenDictionary<ModelVersion, ModelPrice> ByVersion =
        new Dictionary<ModelVersion, ModelPrice>
        {
            [new("opus", 4, 0)] = Price(15, 75, 1.50),
            [new("opus", 4, 1)] = Price(15, 75, 1.50),
            [new("opus", 4, 5)] = Price(5, 25, 0.50),
            [new("opus", 4, 6)] = Price(5, 25, 0.50, fastFactor: 6),
            [new("opus", 4, 7)] = Price(5, 25, 0.50, fastFactor: 6),
            [new("opus", 4, 8)] = Price(5, 25, 0.50, fastFactor: 2),
            [new("opus", 5, 0)] = Price(5, 25, 0.50, fastFactor: 2),
            [new("opus", 5, 5)] = Price(4, 20, 0.20, fastFactor: 2),
            [new("sonnet", 3, 5)] = Price(3, 15, 0.30),
            [new("sonnet", 3, 7)] = Price(3, 15, 0.30),
            [new("sonnet", 4, 0)] = Price(3, 15, 0.30),
            [new("sonnet", 4, 5)] = Price(3, 15, 0.30),
            [new("sonnet", 4, 6)] = Price(3, 15, 0.30),
            [new("sonnet", 5, 0)] = Price(2, 10, 0.20),
            [new("sonnet", 5, 5)] = Price(2, 10, 0.10),
            [new("haiku", 3, 5)] = Price(0.80, 4, 0.08),
            [new("haiku", 4, 5)] = Price(1, 5, 0.10),
            [new("haiku", 5, 5)] = Price(0.10, 0.50, 0.01) with
            {
                LongPromptAbove = HaikuLongPrompt,
                LongPromptRates = TokenRates.Listed(0.50, 2.50, 0.05)
            },
            [new("mythos", 5, 0)] = Price(10, 50, 1.00),
            [new("fable", 5, 0)] = Price(10, 50, 1.00),
            [new("fable", 5, 1)] = Price(10, 50, 0.25),
            [new("fable", 5, 2)] = Price(8, 40, 0.20, fastFactor: 2),
        }.ToFrozenDictionary();

    /// <summary>The price of the model whose name is found in <paramref name="text"/>, or null.</summary>
    public static ModelPrice? Find(string text) =>
        ModelVersion.Find(text) is { } version ? ByVersion.GetValueOrDefault(version) : null;

    private static ModelPrice Price(double input, double output, double cacheRead, double fastFactor = 1) =>
        new() { Rates = TokenRates.Listed(input, output, cacheRead), FastFactor = fastFactor };
}
