using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ClaudeGateway.Json;

/// <summary>
/// Numbers read and printed as JavaScript does (ECMA-262 StringToNumber and Number::toString): checksums of settings
/// documents depend on the spelling.
/// </summary>
internal static partial class JavaScriptNumber
{
    /// <summary>The value of a string under <c>Number(text)</c>; null where that is NaN.</summary>
    public static double? Parse(string text)
    {
        var trimmed = text.Trim();
        if (trimmed.Length == 0)
        {
            return 0;
        }

        if (Decimal().IsMatch(trimmed))
        {
            return double.Parse(trimmed, NumberStyles.Float, CultureInfo.InvariantCulture);
        }

        return trimmed switch
        {
            "Infinity" or "+Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            _ when trimmed.Length > 2 && trimmed[0] == '0' => (trimmed[1] | 0x20) switch
            {
                'x' => Digits(trimmed.AsSpan(2), 16),
                'o' => Digits(trimmed.AsSpan(2), 8),
                'b' => Digits(trimmed.AsSpan(2), 2),
                _ => null,
            },
            _ => null,
        };
    }

    public static string Print(double value)
    {
        if (!double.IsFinite(value))
        {
            return "null";
        }

        if (value == 0)
        {
            return "0";
        }

        // "E" with "R" precision gives the shortest digits that read back as the same value.
        var shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var (digits, exponent) = Decompose(shortest);
        return (value < 0 ? "-" : "") + Layout(digits, exponent);
    }

    /// <summary>Significant digits and the power of ten n with value = 0.digits × 10^n.</summary>
    private static (string Digits, int Exponent) Decompose(string text)
    {
        var e = text.IndexOf('E', StringComparison.Ordinal);
        var exponent = e < 0
            ? 0
            : int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = e < 0 ? text : text[..e];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = point < 0 ? mantissa : mantissa[..point];
        var all = point < 0 ? mantissa : whole + mantissa[(point + 1)..];
        var leading = all.Length - all.TrimStart('0').Length;
        return (all.Trim('0'), exponent + whole.Length - leading);
    }

    private static string Layout(string digits, int n)
    {
        var k = digits.Length;
        return n switch
        {
            > 0 and <= 21 when k <= n => digits + new string('0', n - k),
            > 0 and <= 21 => $"{digits[..n]}.{digits[n..]}",
            > -6 and <= 0 => "0." + new string('0', -n) + digits,
            _ => Exponential(digits, n - 1),
        };
    }

    private static string Exponential(string digits, int exponent)
    {
        var text = new StringBuilder().Append(digits[0]);
        if (digits.Length > 1)
        {
            text.Append('.').Append(digits.AsSpan(1));
        }

        return text.Append('e').Append(exponent < 0 ? '-' : '+').Append(Math.Abs(exponent)).ToString();
    }

    private static double? Digits(ReadOnlySpan<char> digits, int radix)
    {
        double value = 0;
        foreach (var c in digits)
        {
            var digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : radix;
            if (digit >= radix)
            {
                return null;
            }

            value = (value * radix) + digit;
        }

        return value;
    }

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+\.?[0-9]*)([eE][-+]?[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Decimal();
}
