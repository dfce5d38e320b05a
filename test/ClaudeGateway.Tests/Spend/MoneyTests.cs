using ClaudeGateway.Spend;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Spend;

public sealed class MoneyTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(30_000_000_000, "30")]
    [InlineData(900_900_000, "0.901")]
    [InlineData(300_500_000, "0.301")]
    [InlineData(300_499_999, "0.3")]
    [InlineData(999_900_000, "1")]
    [InlineData(1_500_000_000, "1.5")]
    public void Is_shown_in_cents_with_three_decimals_at_most(long nanoCents, string shown) =>
        Assert.Equal(shown, new Money(nanoCents).ToString());

    [Fact]
    public void A_cap_is_reached_by_the_last_billionth_of_a_cent_and_not_before()
    {
        Assert.False(new Money(999_999_999).Reaches(1));
        Assert.True(new Money(1_000_000_000).Reaches(1));
        Assert.True(Money.Zero.Reaches(0));
        Assert.False(Money.Max.Reaches(999_999_999_999_999_999));
    }

    [Fact]
    public void Sums_saturate_instead_of_turning_negative()
    {
        Assert.Equal(Money.Max, Money.Max + Money.Max);
        Assert.Equal(Money.Max, Money.FromCents(long.MaxValue));
        Assert.Equal(Money.Max, Money.Max.Times(long.MaxValue));
        Assert.Equal(Money.Zero, Money.FromCents(1) - Money.FromCents(2));
        Assert.Equal(Money.Zero, new Money(-5));
    }

    [Fact]
    public void Adding_in_any_order_gives_the_same() =>
        Check.QuickThrowOnFailure(Prop.ForAll<uint[]>(amounts =>
            amounts.Select(a => new Money(a)).Aggregate(Money.Zero, (sum, next) => sum + next)
            == amounts.OrderDescending().Select(a => new Money(a)).Aggregate(Money.Zero, (sum, next) => sum + next)));
}
