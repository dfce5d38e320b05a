namespace ClaudeGateway.Spend;

/// <summary>
/// How long a cap counts before it starts again: UTC days, weeks from Monday, calendar months (spec/spend.md,
/// Enforcement).
/// </summary>
internal enum SpendPeriod
{
    Daily,
    Weekly,
    Monthly,
}

/// <summary>
/// Names and boundaries of the periods. Dates, not instants: UTC has no daylight saving, so a day is a day.
/// </summary>
internal static class SpendPeriods
{
    public static readonly SpendPeriod[] All = [SpendPeriod.Daily, SpendPeriod.Weekly, SpendPeriod.Monthly];

    public static string Name(this SpendPeriod period) => period switch
    {
        SpendPeriod.Daily => "daily",
        SpendPeriod.Weekly => "weekly",
        _ => "monthly",
    };

    public static SpendPeriod? Parse(string? name) => name switch
    {
        "daily" => SpendPeriod.Daily,
        "weekly" => SpendPeriod.Weekly,
        "monthly" => SpendPeriod.Monthly,
        _ => null,
    };

    /// <summary>The day in UTC that an instant falls on.</summary>
    public static DateOnly Day(DateTimeOffset instant) => DateOnly.FromDateTime(instant.UtcDateTime);

    /// <summary>First day of the period that contains <paramref name="day"/>.</summary>
    public static DateOnly Start(this SpendPeriod period, DateOnly day) => period switch
    {
        SpendPeriod.Daily => day,
        SpendPeriod.Weekly => day.AddDays(-(((int)day.DayOfWeek + 6) % 7)),
        _ => new DateOnly(day.Year, day.Month, 1),
    };

    /// <summary>Midnight at which the period that contains <paramref name="day"/> is over.</summary>
    public static DateTimeOffset Reset(this SpendPeriod period, DateOnly day)
    {
        var start = period.Start(day);
        var next = period switch
        {
            SpendPeriod.Daily => start.AddDays(1),
            SpendPeriod.Weekly => start.AddDays(7),
            _ => start.AddMonths(1),
        };
        return new DateTimeOffset(next.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
    }
}
