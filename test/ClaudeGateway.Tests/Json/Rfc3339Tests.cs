using System.Text;
using ClaudeGateway.Json;

namespace ClaudeGateway.Tests.Json;

public sealed class Rfc3339Tests
{
    [Theory]
    [InlineData("2026-11-27T12:34:56.7899999Z", "2026-11-27T12:34:56.789Z")]
    [InlineData("2026-02-03T04:05:06Z", "2026-02-03T04:05:06.000Z")]
    [InlineData("2026-01-01T00:30:00.001+02:00", "2025-12-31T22:30:00.001Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z")]
    [InlineData("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999Z")]
    public void Milliseconds_are_cut_off_in_UTC_in_both_forms(string time, string expected)
    {
        var given = DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture);
        Span<byte> bytes = stackalloc byte[Rfc3339.MillisecondsLength];

        Rfc3339.Milliseconds(given, bytes);

        Assert.Equal((expected, expected), (Encoding.ASCII.GetString(bytes), Rfc3339.Milliseconds(given)));
    }
}
