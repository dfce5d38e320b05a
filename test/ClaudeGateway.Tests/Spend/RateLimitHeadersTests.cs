using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;
using Microsoft.AspNetCore.Http;

namespace ClaudeGateway.Tests.Spend;

public sealed class RateLimitHeadersTests
{
    private const string Prefix = "anthropic-ratelimit-unified-";
    private static readonly DateTimeOffset Reset = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, "allowed", "0", null)]
    [InlineData(3, "allowed", "0", null)]
    [InlineData(5, "allowed", "0.01", null)]
    [InlineData(741, "allowed", "0.74", null)]
    [InlineData(750, "allowed", "0.75", null)]
    [InlineData(751, "allowed_warning", "0.75", "0.75")]
    [InlineData(950, "allowed_warning", "0.95", "0.75")]
    [InlineData(951, "allowed_warning", "0.95", "0.95")]
    [InlineData(999, "allowed_warning", "0.99", "0.95")]
    public void A_served_answer_says_how_full_the_cap_was(
        long spentCents, string status, string utilization, string? threshold)
    {
        var headers = new HeaderDictionary();
        RateLimitHeaders.WriteServed(headers, Cap(1000, spentCents));
        Assert.Equal(status, headers[Prefix + "status"]);
        Assert.Equal(status, headers[Prefix + "overage-status"]);
        Assert.Equal(utilization, headers[Prefix + "overage-utilization"]);
        Assert.Equal(threshold, (string?)headers[Prefix + "overage-surpassed-threshold"]);
        Assert.Equal("1796083200", headers[Prefix + "reset"]);
    }

    [Theory]
    [InlineData(1000, 1200, "1.2")]
    [InlineData(1000, 1000, "1")]
    [InlineData(0, 0, "1")]
    [InlineData(3, 10, "3.33")]
    public void A_refusal_says_by_how_much_the_cap_is_passed(long capCents, long spentCents, string utilization)
    {
        var headers = new HeaderDictionary();
        RateLimitHeaders.WriteReached(headers, Cap(capCents, spentCents), isPool: false, Reset.AddSeconds(-1.5));
        Assert.Equal(utilization, headers[Prefix + "overage-utilization"]);
        Assert.Equal("2", (string?)headers["Retry-After"]);
        Assert.Equal("monthly", headers[Prefix + "overage-period"]);
        Assert.False(headers.ContainsKey(Prefix + "overage-scope"));
    }

    private static CapState Cap(long capCents, long spentCents) =>
        new(
            new SpendLimit("spl", 1, SpendScope.Organization, SpendPeriod.Monthly, capCents, null, default, default),
            capCents,
            Money.FromCents(spentCents),
            Reset);
}
