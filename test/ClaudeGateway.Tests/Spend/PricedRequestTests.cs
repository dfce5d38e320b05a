using ClaudeGateway.Spend;
using ClaudeGateway.Upstreams.Contract;

namespace ClaudeGateway.Tests.Spend;

public sealed class PricedRequestTests
{
    [Theory]
    [InlineData(null, 64_000, 6_400)]
    [InlineData(10L, 64_000, 6_400)]
    [InlineData(10_000L, 64_000, 10_000)]
    [InlineData(100_000L, 64_000, 64_000)]
    [InlineData(null, 1, 1)]
    [InlineData(500L, 0, 500)]
    [InlineData(null, 0, 0)]
    [InlineData(null, -5, 0)]
    [InlineData(null, long.MaxValue, 100_000)]
    public void The_usual_output_counts_and_a_tenth_of_what_is_allowed_at_least(
        long? usual, long maxTokens, long expected) =>
        Assert.Equal(expected, Request(0, maxTokens).OutputTokens(usual));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(100_000, 25_000)]
    [InlineData(32L * 1024 * 1024, 1_000_000)]
    public void The_input_is_told_from_the_length_of_the_body(long bytes, long tokens) =>
        Assert.Equal(tokens, Request(bytes, 1).InputTokens);

    [Theory]
    [InlineData("64000", 64_000)]
    [InlineData("6.4e4", 64_000)]
    [InlineData("1e300", 1L << 62)]
    [InlineData("-1", 0)]
    [InlineData("\"64000\"", 0)]
    [InlineData("null", 0)]
    [InlineData("{}", 0)]
    [InlineData("5,\"max_tokens\":7,\"max_tokens\":6", 7)]
    public void A_body_says_what_it_allows_at_most(string value, long expected)
    {
        var body = System.Text.Encoding.UTF8.GetBytes($$"""{"max_tokens":{{value}},"model":"m"}""");
        Assert.Equal(expected, MessagesRequest.Read(body).Request!.MaxTokens);
    }

    [Fact]
    public void Usual_figures_are_kept_for_each_model_and_not_for_any_number_of_them()
    {
        var usual = new UsualUsage(8);
        usual.Add("first", 100, Money.FromCents(1));
        for (var i = 0; i < 10_000; i++)
        {
            usual.Add($"m{i}", i, Money.Zero);
        }

        Assert.Equal(9_999, usual.Find("m9999")!.Output.Value);
        Assert.Null(usual.Find("first"));
        Assert.InRange(Enumerable.Range(0, 10_000).Count(i => usual.Find($"m{i}") is not null), 1, 100);
    }

    private static PricedRequest Request(long bytes, long maxTokens) => new("up", "m", "m", bytes, maxTokens);
}
