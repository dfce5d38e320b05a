namespace ClaudeGateway.Process;

/// <summary>
/// Cancels when a time is over by the gateway's clock, or with another token. Whoever needs to know which of the two it
/// was asks <see cref="IsOver"/>.
/// </summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _other;
    private volatile bool _isOthers;

    /// <param name="time">Null sets no limit.</param>
    public Deadline(TimeSpan? time, TimeProvider clock, CancellationToken other = default)
    {
        _source = time is { } limit ? new CancellationTokenSource(limit, clock) : new CancellationTokenSource();
        _other = other.UnsafeRegister(static deadline => ((Deadline)deadline!).CancelForOther(), this);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>The time begins anew, unless it was over. Only for one that was made with a time.</summary>
#pragma warning disable RS0030 // A source that was made with a clock goes on using it.
    public void Restart(TimeSpan time) => _source.CancelAfter(time);
#pragma warning restore RS0030

    /// <summary>Whether the time itself has come.</summary>
    public bool IsOver => _source.IsCancellationRequested && !_isOthers;

    public void Dispose()
    {
        // First: it waits for the other's call under way, which needs the source.
        _other.Dispose();
        _source.Dispose();
    }

    private void CancelForOther()
    {
        _isOthers = !_source.IsCancellationRequested;
        _source.Cancel();
    }
}
