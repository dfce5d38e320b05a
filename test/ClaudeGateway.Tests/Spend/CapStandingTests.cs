using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using ClaudeGateway.Spend.Limits;

namespace ClaudeGateway.Tests.Spend;

public sealed class CapStandingTests
{
    // A Friday: the week resets on the 23rd, the month on the 1st.
    private static readonly DateOnly Day = new(2026, 11, 20);

    [Theory]
    [InlineData(40, 90, 80, "daily")]
    [InlineData(50, 40, 60, "weekly")]
    [InlineData(90, 80, 31, "monthly")]
    [InlineData(60, 60, 60, "monthly")]
    [InlineData(60, 60, 90, "weekly")]
    public void The_fullest_cap_is_described_and_of_equals_the_one_that_resets_last(
        long daily, long weekly, long monthly, string described) =>
        Assert.Equal(described, Standing(30, daily, weekly, monthly).Fullest!.Value.Limit.Period.Name());

    [Fact]
    public void Of_several_reached_caps_the_one_that_holds_longest_speaks()
    {
        Assert.Equal(SpendPeriod.Monthly, Standing(30, 10, 20, 30).Reached!.Value.Limit.Period);
        Assert.Equal(SpendPeriod.Weekly, Standing(30, 10, 20, 31).Reached!.Value.Limit.Period);
        Assert.Null(Standing(30, 31, 31, 31).Reached);
    }

    [Fact]
    public void At_the_end_of_a_month_the_week_may_hold_longer()
    {
        var day = new DateOnly(2026, 11, 30);
        var standing = CapStanding.Of(Limits(1, 1, 1), Totals(5, day));
        Assert.Equal(SpendPeriod.Weekly, standing.Reached!.Value.Limit.Period);
    }

    [Fact]
    public void A_cap_of_zero_is_always_reached_and_an_unlimited_one_never()
    {
        Assert.True(Standing(0, 0, null, null).Daily!.Value.IsReached);
        Assert.Null(Standing(30, null, null, null).Fullest);
    }

    private static CapStanding Standing(long spentCents, long? daily, long? weekly, long? monthly) =>
        CapStanding.Of(Limits(daily, weekly, monthly), Totals(spentCents, Day));

    private static SpendTotals Totals(long cents, DateOnly day) =>
        new(day, Money.FromCents(cents), Money.FromCents(cents), Money.FromCents(cents));

    private static EffectiveLimits Limits(long? daily, long? weekly, long? monthly) =>
        new(Cap(SpendPeriod.Daily, daily), Cap(SpendPeriod.Weekly, weekly), Cap(SpendPeriod.Monthly, monthly));

    private static SpendLimit Cap(SpendPeriod period, long? cents) =>
        new("spl", 1, SpendScope.Organization, period, cents, null, default, default);
}
