using System.Globalization;

namespace ClaudeGateway.Spend.Ledger;

/// <summary>
/// Reads totals from the notification another replica's round sends: key, period, first day and amount.
/// </summary>
internal static class StoredTotals
{
    public static bool TryParse(ReadOnlySpan<string> words, out StoredTotal total)
    {
        total = default;
        if (!UInt128.TryParse(words[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var key)
            || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var period)
            || period >= SpendPeriods.All.Length
            || !int.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out var day)
            || day > DateOnly.MaxValue.DayNumber
            || !long.TryParse(words[3], NumberStyles.None, CultureInfo.InvariantCulture, out var amount))
        {
            return false;
        }

        total = new StoredTotal(
            new CounterKey(key), (SpendPeriod)period, DateOnly.FromDayNumber(day), new Money(amount));
        return true;
    }
}
