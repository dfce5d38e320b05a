using System.Globalization;
using ClaudeGateway.Spend;

namespace ClaudeGateway.Import;

/// <summary>
/// Reads the source's names of periods: <c>2026-11-28</c>, <c>2026-W48</c> (ISO 8601, weeks from Monday, the first with
/// a Thursday in the year) and <c>2026-11</c>; all in UTC.
/// </summary>
internal static class ReferencePeriod
{
    /// <returns>False for anything else, a day or week that does not exist among it.</returns>
    public static bool TryParse(string text, out SpendPeriod period, out DateOnly start)
    {
        if (text.Length == 8 && text[4..6] == "-W")
        {
            period = SpendPeriod.Weekly;
            start = default;
            if (!Number(text[..4], out var year) || !Number(text[6..], out var week)
                || year < 1 || week < 1 || week > ISOWeek.GetWeeksInYear(year))
            {
                return false;
            }

            start = DateOnly.FromDateTime(ISOWeek.ToDateTime(year, week, DayOfWeek.Monday));
            return true;
        }

        period = text.Length == 7 ? SpendPeriod.Monthly : SpendPeriod.Daily;
        var day = text.Length == 7 ? text + "-01" : text;
        return DateOnly.TryParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out start);
    }

    private static bool Number(string digits, out int number) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
