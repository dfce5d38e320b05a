using ClaudeGateway.Process;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Process;

public sealed class DeadlineTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void The_gateways_clock_ends_the_time()
    {
        using var deadline = new Deadline(Limit, _clock);

        _clock.Advance(Limit - TimeSpan.FromTicks(1));
        Assert.False(deadline.Token.IsCancellationRequested || deadline.IsOver);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.True(deadline.Token.IsCancellationRequested && deadline.IsOver);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Another_token_ends_it_without_the_time_being_over(bool isLimited)
    {
        using var other = new CancellationTokenSource();
        using var deadline = new Deadline(isLimited ? Limit : null, _clock, other.Token);

        other.Cancel();

        Assert.True(deadline.Token.IsCancellationRequested);
        _clock.Advance(Limit);
        Assert.False(deadline.IsOver);
    }

    [Fact]
    public void A_time_that_was_over_first_stays_the_reason()
    {
        using var other = new CancellationTokenSource();
        using var deadline = new Deadline(Limit, _clock, other.Token);

        _clock.Advance(Limit);
        other.Cancel();

        Assert.True(deadline.IsOver);
    }

    [Fact]
    public void A_token_that_is_cancelled_already_leaves_no_time()
    {
        using var deadline = new Deadline(Limit, _clock, new CancellationToken(canceled: true));

        Assert.True(deadline.Token.IsCancellationRequested);
        Assert.False(deadline.IsOver);
    }

    [Fact]
    public void Once_disposed_it_hears_of_neither()
    {
        using var other = new CancellationTokenSource();
        var deadline = new Deadline(Limit, _clock, other.Token);
        var token = deadline.Token;

        deadline.Dispose();
        other.Cancel();
        _clock.Advance(Limit);

        Assert.False(token.IsCancellationRequested);
    }
}
