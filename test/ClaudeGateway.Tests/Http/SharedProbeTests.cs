using ClaudeGateway.Http;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Http;

public sealed class SharedProbeTests
{
    private readonly ManualTimeProvider _clock = new();
    private int _asked;

    [Fact]
    public async Task Whoever_asks_while_a_check_is_under_way_gets_its_answer()
    {
        var answer = new TaskCompletionSource<string?>();
        var probe = Probe(() => answer.Task);
        Task<string?>[] all = [.. Enumerable.Range(0, 1000).Select(_ => probe.AskAsync())];
        _clock.Advance(TimeSpan.FromSeconds(10));
        var late = probe.AskAsync();

        answer.SetResult("away");

        Assert.All(
            await Task.WhenAll([.. all, late]).WaitAsync(Signal.Timeout), answer => Assert.Equal("away", answer));
        Assert.Equal(1, _asked);
    }

    [Fact]
    public async Task An_answer_is_kept_for_a_tenth_of_a_second()
    {
        var probe = Probe(() => Task.FromResult(_asked == 1 ? null : "away"));
        Assert.Null(await probe.AskAsync());
        _clock.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Null(await probe.AskAsync());
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("away", await probe.AskAsync());
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task A_check_that_throws_is_asked_again_when_its_time_is_over()
    {
        var probe = Probe(() => _asked == 1 ? throw new InvalidOperationException() : Task.FromResult<string?>(null));
        await Assert.ThrowsAsync<InvalidOperationException>(probe.AskAsync);
        _clock.Advance(SharedProbe.MaxAge);
        Assert.Null(await probe.AskAsync());
    }

    private SharedProbe Probe(Func<Task<string?>> check) => new(
        () =>
        {
            Interlocked.Increment(ref _asked);
            return check();
        },
        _clock);
}
