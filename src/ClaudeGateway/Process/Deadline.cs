namespace ClaudeGateway.Process;

/// <summary>
/// Cancels when a time is over by the gateway's clock, or with another token. Whoever needs to know which of the two it
/// was asks the other token.
/// </summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource? _limit;
    private readonly CancellationTokenSource _either;

    /// <param name="time">Null sets no limit.</param>
    public Deadline(TimeSpan? time, TimeProvider clock, CancellationToken other = default)
    {
        _limit = time is { } limit ? new CancellationTokenSource(limit, clock) : null;
        _either = CancellationTokenSource.CreateLinkedTokenSource(other, _limit?.Token ?? default);
    }

    public CancellationToken Token => _either.Token;

    /// <summary>Whether the time itself has come.</summary>
    public bool IsOver => _limit?.IsCancellationRequested ?? false;

    public void Dispose()
    {
        _either.Dispose();
        _limit?.Dispose();
    }
}
