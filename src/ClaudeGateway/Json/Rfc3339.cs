using System.Globalization;

namespace ClaudeGateway.Json;

/// <summary>Points in time as JSON says them everywhere here: RFC 3339 in UTC with a <c>Z</c>.</summary>
internal static class Rfc3339
{
    /// <summary>What <see cref="Milliseconds(DateTimeOffset, Span{byte})"/> writes.</summary>
    public const int MillisecondsLength = 24;

    private const int RoundTripLength = 28;

    /// <summary>Three digits of a second, as JavaScript prints a date.</summary>
    public static string Milliseconds(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    /// <summary>
    /// The same into the first <see cref="MillisecondsLength"/> bytes of <paramref name="text"/>, for every audit line:
    /// the format that the framework knows by heart has the same beginning and costs a fifth.
    /// </summary>
    public static void Milliseconds(DateTimeOffset time, Span<byte> text)
    {
        Span<byte> whole = stackalloc byte[RoundTripLength];
        time.UtcDateTime.TryFormat(whole, out _, "O", CultureInfo.InvariantCulture);
        whole[MillisecondsLength - 1] = (byte)'Z';
        whole[..MillisecondsLength].CopyTo(text);
    }

    public static string Seconds(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
