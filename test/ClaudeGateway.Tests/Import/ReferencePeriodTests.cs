using System.Globalization;
using ClaudeGateway.Import;
using ClaudeGateway.Spend;

namespace ClaudeGateway.Tests.Import;

public sealed class ReferencePeriodTests
{
    [Theory]
    [InlineData("2026-11-28", nameof(SpendPeriod.Daily), "2026-11-28")]
    [InlineData("2024-02-29", nameof(SpendPeriod.Daily), "2024-02-29")]
    [InlineData("2026-11", nameof(SpendPeriod.Monthly), "2026-11-01")]
    [InlineData("2026-W48", nameof(SpendPeriod.Weekly), "2026-11-23")]
    // What 2027-01-01, 2028-01-01 and 2024-12-30 are written to, seen at the reference.
    [InlineData("2026-W53", nameof(SpendPeriod.Weekly), "2026-12-28")]
    [InlineData("2027-W52", nameof(SpendPeriod.Weekly), "2027-12-27")]
    [InlineData("2025-W01", nameof(SpendPeriod.Weekly), "2024-12-30")]
    public void Names_of_periods_are_first_days_in_utc(string name, string period, string start)
    {
        Assert.True(ReferencePeriod.TryParse(name, out var found, out var day));
        Assert.Equal((period, start), (found.ToString(), day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
        Assert.Equal(day, found.Start(day));
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026")]
    [InlineData("2026-13")]
    [InlineData("2026-02-30")]
    [InlineData("2026-W00")]
    [InlineData("2027-W53")]
    [InlineData("2026-W5")]
    [InlineData("0000-W01")]
    [InlineData("2026-W+1")]
    [InlineData("2026-Q3")]
    [InlineData("2026-11-28 ")]
    [InlineData("2026-11-28T00:00")]
    public void Anything_else_is_no_period(string name) => Assert.False(ReferencePeriod.TryParse(name, out _, out _));
}
