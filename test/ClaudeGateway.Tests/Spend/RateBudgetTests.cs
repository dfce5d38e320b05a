using ClaudeGateway.Spend;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Spend;

public sealed class RateBudgetTests
{
    [Fact]
    public void A_flood_gets_a_burst_and_then_a_steady_trickle()
    {
        var clock = new ManualTimeProvider();
        var budget = new RateBudget(20, 40, clock);
        var burst = Enumerable.Range(0, 1000).Count(_ => budget.TryTake());
        Assert.InRange(burst, 20, 50);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(Enumerable.Range(0, 1000).Count(_ => budget.TryTake()), 15, 25);
    }

    [Fact]
    public void A_quiet_gateway_may_always_ask()
    {
        var clock = new ManualTimeProvider();
        var budget = new RateBudget(20, 40, clock);
        for (var i = 0; i < 200; i++)
        {
            Assert.True(budget.TryTake());
            clock.Advance(TimeSpan.FromMilliseconds(100));
        }
    }
}
