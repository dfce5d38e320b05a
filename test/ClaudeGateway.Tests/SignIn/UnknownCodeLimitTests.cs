using System.Net;
using ClaudeGateway.SignIn.Device;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.SignIn;

public sealed class UnknownCodeLimitTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly UnknownCodeLimit _limit;

    public UnknownCodeLimitTests() => _limit = new UnknownCodeLimit(_clock);

    [Fact]
    public void Too_many_of_one_network_wait_until_their_minute_ends_and_others_do_not()
    {
        var address = IPAddress.Parse("2001:db8:1:2::1");
        for (var i = 0; i < UnknownCodeLimit.Max; i++)
        {
            Assert.Null(_limit.Wait(address));
            _limit.Count(address);
        }

        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(TimeSpan.FromSeconds(40), _limit.Wait(IPAddress.Parse("2001:db8:1:2:ffff::1")));
        Assert.Null(_limit.Wait(IPAddress.Parse("2001:db8:1:3::1")));
        _clock.Advance(TimeSpan.FromSeconds(40));
        Assert.Null(_limit.Wait(address));
        _limit.Count(address);
        Assert.Null(_limit.Wait(address));
    }
}
