using ClaudeGateway.Logging;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;
using ClaudeGateway.Testing;

namespace ClaudeGateway.Tests.Process;

public sealed class BackgroundLoopTests
{
    private readonly CapturedLog _lines = new();
    private int _rounds;

    [Theory]
    [InlineData(typeof(StoreUnavailableException))]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(OperationCanceledException))]
    public async Task A_round_that_fails_is_logged_and_the_next_one_comes(Type failure)
    {
        await using var loop = Start(
            pauses: 2,
            () => ++_rounds == 1 ? throw (Exception)Activator.CreateInstance(failure, "no room")! : Task.CompletedTask);

        Assert.Equal(2, _rounds);
        Assert.Contains("rows stay", await _lines.LineAsync("no room"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_that_repeats_is_said_once_until_a_round_succeeds()
    {
        await using var loop = Start(
            pauses: 5, () => ++_rounds == 4 ? Task.CompletedTask : throw new InvalidOperationException("no room"));

        Assert.Equal(5, _rounds);
        await _lines.LineCountAsync("rows stay", 4);
        Assert.Equal(["error", "debug", "debug", "error"], _lines.Lines.Select(line => line.Split(' ')[2]));
    }

    [Fact]
    public async Task A_pause_that_fails_does_not_end_the_loop()
    {
        var isFirst = true;
        var rounds = new Signal();
        await using var loop = BackgroundLoop.Start(
            cancellation => isFirst
                ? throw new InvalidOperationException("no pause")
                : Task.Delay(Timeout.InfiniteTimeSpan, cancellation),
            () =>
            {
                isFirst = false;
                rounds.Set();
                return Task.CompletedTask;
            },
            "rows stay",
            new OperationalLog(new StderrLines(_lines), TimeProvider.System, LogLevel.Debug));

        await rounds.UntilAsync(() => !isFirst, "a round after the failed pause");
        await _lines.LineAsync("no pause");
    }

    [Fact]
    public async Task Work_that_nobody_waits_for_is_logged_when_it_fails()
    {
        var log = new OperationalLog(new StderrLines(_lines), TimeProvider.System, LogLevel.Debug);
        await BackgroundLoop.DoAsync(() => throw new InvalidOperationException("no room"), "rows stay", log);

        Assert.Contains("rows stay", await _lines.LineAsync("no room"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Disposal_ends_the_pause()
    {
        var loop = Start(pauses: 0, () => throw new InvalidOperationException("there is no round"));

        await loop.DisposeAsync().AsTask().WaitAsync(Signal.Timeout);

        Assert.Empty(_lines.Lines);
    }

    [Fact]
    public async Task Disposal_waits_for_the_round_under_way()
    {
        var round = new TaskCompletionSource();
        var disposal = Start(pauses: 1, () => round.Task).DisposeAsync().AsTask();

        Assert.False(disposal.IsCompleted);
        round.SetResult();
        await disposal.WaitAsync(Signal.Timeout);
    }

    /// <param name="pauses">How many are over at once; the next one lasts until disposal.</param>
    private BackgroundLoop Start(int pauses, Func<Task> round) => BackgroundLoop.Start(
        cancellation => pauses-- > 0 ? Task.CompletedTask : Task.Delay(Timeout.InfiniteTimeSpan, cancellation),
        round,
        "rows stay",
        new OperationalLog(new StderrLines(_lines), TimeProvider.System, LogLevel.Debug));
}
