using System.Globalization;

namespace ClaudeGateway.Json;

/// <summary>Points in time as JSON says them everywhere here: RFC 3339 in UTC with a <c>Z</c>.</summary>
internal static class Rfc3339
{
    /// <summary>Three digits of a second, as JavaScript prints a date.</summary>
    public static string Milliseconds(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    public static string Seconds(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
