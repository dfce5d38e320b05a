using System.Globalization;

namespace ClaudeGateway.Managed;

/// <summary>Prints a number as JavaScript does (ECMA-262, Number::toString with radix 10), because checksums are compared with JavaScript's.</summary>
internal static class JavaScriptNumber
{
    private const int LargestPlainExponent = 21;
    private const int SmallestPlainExponent = -6;

    public static string Print(double number)
    {
        if (number == 0)
        {
            return "0";
        }

        if (!double.IsFinite(number))
        {
            return "null";
        }

        // "R" gives the shortest digits that read back as the same number, as ECMA-262 asks; only the layout differs.
        var parts = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture).Split('E');
        var exponent = parts.Length == 1 ? 0 : int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var dot = parts[0].IndexOf('.', StringComparison.Ordinal);
        var allDigits = parts[0].Replace(".", "", StringComparison.Ordinal);
        var digits = allDigits.TrimStart('0');
        var point = (dot < 0 ? parts[0].Length : dot) - (allDigits.Length - digits.Length) + exponent;
        return (number < 0 ? "-" : "") + Layout(digits.TrimEnd('0'), point);
    }

    /// <param name="point">How many digits stand before the decimal point; ECMA-262 calls it n.</param>
    private static string Layout(string digits, int point)
    {
        if (digits.Length <= point && point <= LargestPlainExponent)
        {
            return digits.PadRight(point, '0');
        }

        if (point is > 0 and <= LargestPlainExponent)
        {
            return digits[..point] + "." + digits[point..];
        }

        if (point is > SmallestPlainExponent and <= 0)
        {
            return "0." + new string('0', -point) + digits;
        }

        var fraction = digits.Length == 1 ? "" : "." + digits[1..];
        return $"{digits[0]}{fraction}e{(point > 0 ? "+" : "-")}{Math.Abs(point - 1)}";
    }
}
