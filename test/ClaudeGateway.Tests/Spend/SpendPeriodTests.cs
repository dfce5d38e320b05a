using ClaudeGateway.Spend;
using FsCheck;
using FsCheck.Fluent;

namespace ClaudeGateway.Tests.Spend;

public sealed class SpendPeriodTests
{
    private static readonly Arbitrary<DateOnly> Days = Gen.Choose(
        new DateOnly(2000, 1, 1).DayNumber,
        new DateOnly(2199, 12, 31).DayNumber).Select(DateOnly.FromDayNumber).ToArbitrary();

    [Theory]
    [InlineData("2028-02-29", "2028-03-01", "2028-03-06", "2028-03-01")]
    [InlineData("2027-02-28", "2027-03-01", "2027-03-01", "2027-03-01")]
    [InlineData("2026-12-31", "2027-01-01", "2027-01-04", "2027-01-01")]
    [InlineData("2100-02-28", "2100-03-01", "2100-03-01", "2100-03-01")]
    [InlineData("2026-11-30", "2026-12-01", "2026-12-07", "2026-12-01")]
    public void Leap_days_and_year_ends_reset_at_the_next_midnight_Monday_and_first(
        string day, string daily, string weekly, string monthly)
    {
        var date = DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(
            [daily, weekly, monthly],
            SpendPeriods.All.Select(
                period =>
                    period.Reset(date).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Every_day_lies_in_the_period_that_starts_before_it_and_resets_after_it() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Days, day => SpendPeriods.All.All(period =>
            period.Start(day) <= day
            && period.Reset(day) > new DateTimeOffset(day.ToDateTime(TimeOnly.MaxValue), TimeSpan.Zero)
            && period.Start(SpendPeriods.Day(period.Reset(day))) == SpendPeriods.Day(period.Reset(day))
            && period.Start(period.Start(day)) == period.Start(day))));

    [Fact]
    public void Weeks_begin_on_Monday_and_have_seven_days() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Days, day =>
            SpendPeriod.Weekly.Start(day).DayOfWeek == DayOfWeek.Monday
            && SpendPeriods.Day(SpendPeriod.Weekly.Reset(day)).DayNumber
                    - SpendPeriod.Weekly.Start(day).DayNumber == 7));

    [Fact]
    public void Consecutive_days_share_a_period_or_the_later_one_starts_it() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Days, day => SpendPeriods.All.All(period =>
            period.Start(day.AddDays(1)) == period.Start(day) || period.Start(day.AddDays(1)) == day.AddDays(1))));

    [Fact]
    public void The_day_of_an_instant_is_the_one_in_UTC()
    {
        var instant = new DateTimeOffset(2026, 3, 29, 1, 30, 0, TimeSpan.FromHours(2));
        Assert.Equal(new DateOnly(2026, 3, 28), SpendPeriods.Day(instant));
    }
}
