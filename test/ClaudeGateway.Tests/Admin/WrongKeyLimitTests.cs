using System.Net;
using ClaudeGateway.Admin;
using ClaudeGateway.Http;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Admin;

public sealed class WrongKeyLimitTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void An_address_is_limited_alone_and_for_a_minute()
    {
        var limit = new WrongKeyLimit(_clock);
        var attempts = Enumerable.Range(0, 62)
            .Select(_ => (IsOver: limit.IsOver(IPAddress.Loopback, out var isFirst), IsFirst: isFirst)).ToList();
        Assert.Equal(60, attempts.TakeWhile(attempt => !attempt.IsOver).Count());
        Assert.Equal([true, false], attempts[60..].Select(attempt => attempt.IsFirst));
        Assert.False(limit.IsOver(IPAddress.IPv6Loopback, out _));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.False(limit.IsOver(IPAddress.Loopback, out _));
    }

    [Fact]
    public void All_addresses_of_an_IPv6_network_are_one_client()
    {
        var limit = new WrongKeyLimit(_clock);
        var addresses = Enumerable.Range(0, 61).Select(i => IPAddress.Parse($"2001:db8:1:2::{i:x}"));
        var attempts = addresses.Select(address => limit.IsOver(address, out _)).ToList();
        Assert.Equal([.. Enumerable.Repeat(false, 60), true], attempts);
        Assert.False(limit.IsOver(IPAddress.Parse("2001:db8:1:3::1"), out _));
    }

    [Fact]
    public void However_many_others_come_a_limited_client_stays_limited()
    {
        var limit = new WrongKeyLimit(_clock);
        for (var i = 0; i < 61; i++)
        {
            limit.IsOver(IPAddress.Loopback, out _);
        }

        var others = Enumerable.Range(0x0A000000, 2 * NetworkCounts.MaxNetworks)
            .Select(i => limit.IsOver(new IPAddress(BitConverter.GetBytes(i)), out _)).ToList();
        Assert.True(limit.IsOver(IPAddress.Loopback, out _));
        Assert.InRange(others.Count(isOver => !isOver), NetworkCounts.MaxNetworks - 1, NetworkCounts.MaxNetworks + 60);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.False(limit.IsOver(IPAddress.Parse("192.0.2.1"), out _));
    }
}
