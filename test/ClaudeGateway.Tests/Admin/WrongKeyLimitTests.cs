using System.Net;
using ClaudeGateway.Admin;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Admin;

public sealed class WrongKeyLimitTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void An_address_is_limited_alone_and_for_a_minute()
    {
        var limit = new WrongKeyLimit(_clock);
        var attempts = Enumerable.Range(0, 62).Select(_ => (IsOver: limit.IsOver(IPAddress.Loopback, out var isFirst), IsFirst: isFirst)).ToList();
        Assert.Equal(60, attempts.TakeWhile(attempt => !attempt.IsOver).Count());
        Assert.Equal([true, false], attempts[60..].Select(attempt => attempt.IsFirst));
        Assert.False(limit.IsOver(IPAddress.IPv6Loopback, out _));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.False(limit.IsOver(IPAddress.Loopback, out _));
    }
}
