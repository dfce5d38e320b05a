using ClaudeGateway.Telemetry;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Telemetry;

public sealed class BreakerTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void Five_failures_in_a_row_stop_sending_for_thirty_seconds()
    {
        var breaker = new Breaker(_clock);
        Fail(breaker, 4);
        Assert.Equal(TimeSpan.Zero, breaker.Remaining);

        Assert.True(breaker.Failed());

        Assert.Equal(TimeSpan.FromSeconds(30), breaker.Remaining);
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.Zero, breaker.Remaining);
    }

    [Fact]
    public void A_success_starts_the_count_again()
    {
        var breaker = new Breaker(_clock);
        Fail(breaker, 4);
        breaker.Succeeded();
        Fail(breaker, 4);

        Assert.False(breaker.IsProbing);
    }

    [Fact]
    public void After_the_pause_one_failure_starts_the_next_pause()
    {
        var breaker = new Breaker(_clock);
        Fail(breaker, 5);
        _clock.Advance(Breaker.Pause);
        Assert.True(breaker.IsProbing);

        Assert.True(breaker.Failed());

        Assert.Equal(Breaker.Pause, breaker.Remaining);
    }

    [Fact]
    public void Failures_of_sends_that_were_under_way_do_not_prolong_the_pause()
    {
        var breaker = new Breaker(_clock);
        Fail(breaker, 5);
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.False(breaker.Failed());

        Assert.Equal(TimeSpan.FromSeconds(20), breaker.Remaining);
    }

    private static void Fail(Breaker breaker, int times)
    {
        for (var i = 0; i < times; i++)
        {
            breaker.Failed();
        }
    }
}
