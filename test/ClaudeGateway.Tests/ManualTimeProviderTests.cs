using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests;

/// <summary>The clock of the tests: one that went back would leave a test waiting for ever.</summary>
public sealed class ManualTimeProviderTests
{
    [Fact]
    public void A_timer_that_moves_the_clock_further_is_not_undone()
    {
        var clock = new ManualTimeProvider();
        var start = clock.GetUtcNow();
        using var timer = clock.CreateTimer(
            _ => clock.Advance(TimeSpan.FromSeconds(100)), null, TimeSpan.FromSeconds(10), Timeout.InfiniteTimeSpan);

        clock.Advance(TimeSpan.FromSeconds(20));

        Assert.Equal(start.AddSeconds(110), clock.GetUtcNow());
    }

    [Fact]
    public async Task A_clock_that_jumps_to_timers_reaches_each_of_them()
    {
        var clock = new ManualTimeProvider { JumpsAtMost = TimeSpan.MaxValue };

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => DelaysAsync())).WaitAsync(Signal.Timeout);

        async Task DelaysAsync()
        {
            for (var delay = 0; delay < 5_000; delay++)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(15), clock);
            }
        }
    }
}
