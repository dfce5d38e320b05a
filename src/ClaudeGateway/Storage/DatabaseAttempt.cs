namespace ClaudeGateway.Storage;

/// <summary>
/// One run of some work on one connection, and its turning point: either its COMMIT begins, or its caller gives it up.
/// Whichever comes first holds, so nobody is told "failed" of something that is committed a moment later.
/// </summary>
/// <param name="limit">Cancelled when the time is over.</param>
internal sealed class DatabaseAttempt(CancellationToken limit)
{
    private const int Open = 0;
    private const int Committing = 1;
    private const int GivenUp = 2;

    private int _state = Open;
    private bool _isConnected;

    public CancellationToken Limit => limit;

    /// <summary>Whether a statement is waited for, and not a connection.</summary>
    public bool IsConnected
    {
        get => Volatile.Read(ref _isConnected);
        set => Volatile.Write(ref _isConnected, value);
    }

    public bool IsCommitting => Volatile.Read(ref _state) == Committing;

    /// <summary>False when COMMIT has begun: its outcome is to be waited for.</summary>
    public bool TryGiveUp() => Interlocked.CompareExchange(ref _state, GivenUp, Open) != Committing;

    /// <summary>The caller has been told that time is over: nothing more may happen in its name.</summary>
    /// <exception cref="OperationCanceledException" />
    public void ThrowIfOver()
    {
        limit.ThrowIfCancellationRequested();
        if (Volatile.Read(ref _state) == GivenUp)
        {
            throw new OperationCanceledException(limit);
        }
    }

    /// <exception cref="OperationCanceledException">The caller has given up: roll back.</exception>
    public void BeginCommit()
    {
        ThrowIfOver();
        if (Interlocked.CompareExchange(ref _state, Committing, Open) != Open)
        {
            throw new OperationCanceledException(limit);
        }
    }
}
