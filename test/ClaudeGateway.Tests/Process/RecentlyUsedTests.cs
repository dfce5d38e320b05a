using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Process;

public sealed class RecentlyUsedTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void A_value_is_made_once_and_found_again()
    {
        var values = new RecentlyUsed<object>(10, _clock);

        Assert.Same(Get(values, "a"), Get(values, "a"));
        Assert.NotSame(Get(values, "a"), Get(values, "b"));
        Assert.Equal(2, values.Count);
    }

    [Fact]
    public void Of_too_many_those_used_longest_ago_are_forgotten()
    {
        var values = new RecentlyUsed<object>(100, _clock);
        var first = Get(values, "0");
        for (var i = 1; i < 1000; i++)
        {
            Get(values, $"{i}");
            Assert.Same(first, Get(values, "0"));
            Assert.InRange(values.Count, 1, 100);
        }

        var last = Get(values, "999");
        Assert.Same(last, Get(values, "999"));
    }

    [Fact]
    public async Task Their_number_is_bounded_whoever_adds_at_the_same_time()
    {
        var values = new RecentlyUsed<object>(100, TimeProvider.System);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(() =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                values.Get($"{worker} {i}", 0, static (_, _) => new object());
            }
        })));
        values.Get("one more", 0, static (_, _) => new object());

        Assert.InRange(values.Count, 1, 110);
    }

    private object Get(RecentlyUsed<object> values, string name)
    {
        _clock.Advance(TimeSpan.FromSeconds(1));
        return values.Get(name, 0, static (_, _) => new object());
    }
}
