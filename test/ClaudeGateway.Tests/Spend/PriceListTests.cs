using ClaudeGateway.Config;
using ClaudeGateway.Models;
using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Prices;
using ClaudeGateway.Spend.Usage;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Spend;

public sealed class PriceListTests
{
    private const long Million = 1_000_000;

    private static readonly PriceList Listed = new(null, null);

    [Theory]
    [InlineData("claude-opus-4-8", 500, 2500, 50)]
    [InlineData("claude-opus-5-5", 400, 2000, 20)]
    [InlineData("claude-opus-4-1-20250805", 1500, 7500, 150)]
    [InlineData("claude-sonnet-4-6", 300, 1500, 30)]
    [InlineData("claude-sonnet-5-5", 200, 1000, 10)]
    [InlineData("claude-3-5-haiku-20241022", 80, 400, 8)]
    [InlineData("claude-haiku-4-5", 100, 500, 10)]
    [InlineData("claude-fable-5-2", 800, 4000, 20)]
    [InlineData("claude-mythos-5", 1000, 5000, 100)]
    [InlineData("nobody-knows", 500, 2500, 50)]
    [InlineData("claude-opus-4-10", 500, 2500, 50)]
    public void A_million_tokens_cost_the_list_price(
        string model, long inputCents, long outputCents, long cacheReadCents)
    {
        Assert.Equal(Money.FromCents(inputCents), Cost(Listed, model, new TokenUsage { Input = Million }));
        Assert.Equal(Money.FromCents(outputCents), Cost(Listed, model, new TokenUsage { Output = Million }));
        Assert.Equal(Money.FromCents(cacheReadCents), Cost(Listed, model, new TokenUsage { CacheRead = Million }));
        Assert.Equal(Money.FromCents(inputCents * 2), Cost(Listed, model, new TokenUsage { CacheWrite1h = Million }));
        Assert.Equal(Money.FromCents(inputCents * 5 / 4), Cost(Listed, model, new TokenUsage
        {
            CacheWrite5m = Million,
        }));
    }

    [Theory]
    [InlineData("us.")]
    [InlineData("eu.")]
    [InlineData("apac.")]
    [InlineData("jp.")]
    [InlineData("au.")]
    [InlineData("global.")]
    [InlineData("")]
    public void A_price_follows_the_model_behind_an_inference_profile(string prefix)
    {
        var priced = new PriceList(
            new PricingConfig(null, [new PriceOverride("bedrock", "us.anthropic.claude-sonnet-4-6", 7, 8, 9, 10)]),
            null);
        foreach (var model in BuiltInModels.All)
        {
            var id = prefix + model.BedrockId;
            Assert.Equal(Listed.Find("bedrock", model.BedrockId, "x"), Listed.Find("bedrock", id, "x"));
        }

        Assert.Equal(7, priced.Find("bedrock", prefix + "anthropic.claude-sonnet-4-6", "x").Rates.Input);
    }

    [Fact]
    public void Every_built_in_model_has_a_price_of_its_own() =>
        Assert.All(
            BuiltInModels.All.SelectMany(model => model.Forms),
            form => Assert.False(Listed.Find("up", form, "x").IsGuess, form));

    [Theory]
    [InlineData("claude-opus-4-6", 6)]
    [InlineData("claude-opus-4-8", 2)]
    [InlineData("claude-fable-5-2", 2)]
    [InlineData("claude-sonnet-4-6", 1)]
    public void Fast_mode_scales_tokens_but_not_searches(string model, int factor)
    {
        var usage = new TokenUsage { Input = 1000, Output = 1000, CacheRead = 1000 };
        Assert.Equal(
            Cost(Listed, model, usage).Times(factor).ToString(),
            Cost(Listed, model, usage with { IsFast = true }).ToString());
        Assert.Equal("7", Cost(Listed, model, new TokenUsage { WebSearches = 7, IsFast = true }).ToString());
    }

    [Theory]
    [InlineData(100_000, 0, 0, "1")]
    [InlineData(100_001, 0, 0, "5")]
    [InlineData(50_000, 50_001, 100_000, "27.75")]
    [InlineData(1000, 0, 1_000_000, "50.01")]
    public void The_size_of_the_whole_prompt_decides_the_tier_of_the_request(
        long input, long cacheRead, long output, string cents) =>
        Assert.Equal(
            cents,
            Cost(Listed, "claude-haiku-5-5",
                new TokenUsage { Input = input, CacheRead = cacheRead, Output = output }).ToString());

    [Fact]
    public void The_upstreams_own_string_wins_then_the_clients_id_then_the_built_in_model_then_the_list()
    {
        var prices = new PriceList(
            new PricingConfig(
                null,
                [Row("SPECIAL", 20), Row("claude-sonnet-4-6", 10), Row("alias", 14), Row("claude-haiku-4-5", 18)]),
            null);
        Assert.Equal(20, Rate(prices, "special", "claude-sonnet-4-6"));
        Assert.Equal(10, Rate(prices, "other", "claude-sonnet-4-6"));
        Assert.Equal(14, Rate(prices, "claude-opus-4-8", "ALIAS"));
        Assert.Equal(18, Rate(prices, "us.anthropic.claude-haiku-4-5-20251001-v1:0", "cheap"));
        Assert.Equal(18, Rate(prices, "arn:aws:opaque", "claude-haiku-4-5@20251001"));
        Assert.Equal(3, Rate(prices, "claude-sonnet-4-5", "claude-haiku-4-5-20251001"));
        Assert.Equal(1, prices.Find("elsewhere", "claude-haiku-4-5", "claude-haiku-4-5").Rates.Input);
    }

    [Fact]
    public void The_multiplier_is_on_everything_also_on_own_rows_and_searches()
    {
        var usage = new TokenUsage { Input = Million, WebSearches = 100 };
        Assert.Equal(
            "200", Cost(new PriceList(new PricingConfig(0.5m, []), null), "claude-sonnet-4-6", usage).ToString());
        Assert.Equal(
            "550",
            Cost(
                new PriceList(new PricingConfig(0.5m, [Row("claude-sonnet-4-6", 10)]), null),
                "claude-sonnet-4-6",
                usage).ToString());
    }

    [Fact]
    public void An_own_row_prices_both_kinds_of_cache_writes_alike_and_fast_mode_at_the_same_rate()
    {
        var prices = new PriceList(new PricingConfig(null, [Row("claude-opus-4-8", 10)]), null);
        Assert.Equal("3000", Cost(prices, "claude-opus-4-8", new TokenUsage { CacheWrite5m = Million }).ToString());
        Assert.Equal(
            "3000",
            Cost(prices, "claude-opus-4-8", new TokenUsage { CacheWrite1h = Million, IsFast = true }).ToString());
    }

    [Fact]
    public void A_cost_is_never_less_than_the_exact_one_and_never_a_thousandth_of_a_cent_more() =>
        Check.QuickThrowOnFailure(Prop.ForAll<uint, uint, uint>((input, output, cacheRead) =>
        {
            var usage = new TokenUsage
            {
                Input = input % 2_000_000,
                Output = output % 2_000_000,
                CacheRead = cacheRead % 2_000_000,
            };
            var exact =
                ((usage.Input * 3m) + (usage.Output * 15m) + (usage.CacheRead * 0.30m))
                / 10_000 * Money.NanoCentsPerCent;
            var cost = Cost(Listed, "claude-sonnet-4-6", usage).NanoCents;
            return cost >= exact && cost - exact < 1000;
        }));

    [Fact]
    public void Whatever_an_upstream_claims_a_request_costs_no_more_than_the_store_can_add() =>
        Assert.Equal(
            Money.MaxDelta, Cost(new PriceList(new PricingConfig(10, [Row("m", 10_000)]), null), "m", new TokenUsage
            {
                Output = long.MaxValue / 4,
            }));

    private static Money Cost(PriceList prices, string model, TokenUsage usage) =>
        prices.Find("up", model, "client").CostOf(usage);

    private static double Rate(PriceList prices, string upstreamModel, string clientModel) =>
        prices.Find("up", upstreamModel, clientModel).Rates.Input;

    private static PriceOverride Row(string model, decimal input) =>
        new("up", model, input, input * 2, input / 10, input * 3);
}
