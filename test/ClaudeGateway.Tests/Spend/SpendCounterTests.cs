using ClaudeGateway.Spend;
using ClaudeGateway.Spend.Ledger;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Spend;

public sealed class SpendCounterTests
{
    private static readonly DateOnly Friday = new(2026, 11, 20);

    [Fact]
    public void What_was_spent_counts_before_during_and_after_it_is_written()
    {
        var counter = new SpendCounter(CounterKind.User, "alice");
        counter.Add(Friday, Money.FromCents(5));
        Assert.Equal(Money.FromCents(5), counter.Totals(Friday).Daily);
        var batch = new List<SpendDelta>();
        counter.Take(batch);
        counter.Add(Friday, Money.FromCents(2));
        Assert.Equal(Money.FromCents(7), counter.Totals(Friday).Daily);
        counter.Confirm([Total(counter, SpendPeriod.Daily, Friday, 105)]);
        Assert.Equal(Money.FromCents(107), counter.Totals(Friday).Daily);
        Assert.Equal(Money.FromCents(5), Assert.Single(batch).Amount);
    }

    [Fact]
    public void The_days_of_an_outage_stay_apart_and_count_in_their_own_periods()
    {
        var counter = new SpendCounter(CounterKind.User, "alice");
        counter.Add(Friday, Money.FromCents(1));
        counter.Add(Friday.AddDays(3), Money.FromCents(10));
        var monday = counter.Totals(Friday.AddDays(3));
        Assert.Equal([10, 10, 11], SpendPeriods.All.Select(period => monday[period].WholeCents));
        var batch = new List<SpendDelta>();
        counter.Take(batch);
        Assert.Equal([Friday, Friday.AddDays(3)], batch.Select(delta => delta.Day));
    }

    [Fact]
    public void A_new_day_starts_at_zero_without_anything_happening()
    {
        var counter = new SpendCounter(CounterKind.User, "alice");
        counter.Merge(Total(counter, SpendPeriod.Daily, Friday, 9));
        counter.Merge(Total(counter, SpendPeriod.Monthly, new DateOnly(2026, 11, 1), 9));
        var tomorrow = counter.Totals(Friday.AddDays(1));
        Assert.Equal([0, 0, 9], SpendPeriods.All.Select(period => tomorrow[period].WholeCents));
    }

    [Fact]
    public void Totals_may_arrive_in_any_order_and_repeatedly() =>
        FsCheck.Check.QuickThrowOnFailure(Prop.ForAll<(ushort Amount, byte DaysAgo)[]>(news =>
        {
            var (forwards, backwards) = (
                new SpendCounter(CounterKind.User, "a"), new SpendCounter(CounterKind.User, "a"));
            foreach (var (amount, daysAgo) in news)
            {
                forwards.Merge(Total(forwards, SpendPeriod.Daily, Friday.AddDays(-(daysAgo % 3)), amount));
            }

            foreach (var (amount, daysAgo) in news.Reverse().Concat(news))
            {
                backwards.Merge(Total(backwards, SpendPeriod.Daily, Friday.AddDays(-(daysAgo % 3)), amount));
            }

            var expected = news.Where(item => item.DaysAgo % 3 == 0).Select(item => (long)item.Amount).DefaultIfEmpty()
                .Max();
            return forwards.Totals(Friday) == backwards.Totals(Friday)
                && forwards.Totals(Friday).Daily == Money.FromCents(expected);
        }));

    [Fact]
    public void Of_requests_at_once_only_the_first_sees_nothing_set_aside()
    {
        var counter = new SpendCounter(CounterKind.User, "alice");
        Assert.Equal(Money.Zero, counter.Reserve(Money.FromCents(3)));
        Assert.Equal(Money.FromCents(3), counter.Reserve(Money.FromCents(3)));
        counter.Release(Money.FromCents(3));
        Assert.Equal(Money.FromCents(3), counter.Reserved);
        Assert.False(counter.IsIdle);
    }

    [Fact]
    public void A_sum_too_large_for_one_round_goes_in_several()
    {
        var counter = new SpendCounter(CounterKind.User, "alice");
        counter.Add(Friday, Money.MaxDelta);
        counter.Add(Friday, Money.FromCents(1));
        var batch = new List<SpendDelta>();
        Assert.True(counter.Take(batch));
        counter.Confirm([]);
        Assert.False(counter.Take(batch));
        Assert.Equal([Money.MaxDelta, Money.FromCents(1)], batch.Select(delta => delta.Amount));
    }

    private static StoredTotal Total(SpendCounter counter, SpendPeriod period, DateOnly start, long cents) =>
        new(counter.Key, period, start, Money.FromCents(cents));
}
