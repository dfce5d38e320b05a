using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace ClaudeGateway.Upstreams.Responses.Quiet;

/// <summary>
/// Waits for bytes of a stream, but not longer than a silence may last; the read under way then goes on and the next
/// wait is for the same one. Once a stream runs, waiting allocates nothing (a task and its timeout would be 600 bytes
/// an event). One wait at a time.
/// </summary>
internal sealed class QuietWait(Stream body, TimeProvider clock) : IValueTaskSource<bool>, IDisposable
{
    /// <summary>
    /// Decides between the read's end and the timer, which may come at the same time: it protects what both look at.
    /// <see cref="_read"/> and <see cref="_isReading"/> belong to whoever waits, one at a time, and so does the outcome
    /// once it is decided.
    /// </summary>
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _wait;
    private ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter _read;
    private Action? _onRead;
    private ITimer? _timer;
    private long _until;
    private long _timerIsSetTo;
    private bool _isReading;
    private bool _hasRead;
    private bool _isWaiting;
    private bool _isTimerSet;

    /// <summary>Whether a read is under way, whose wait came to its time.</summary>
    public bool IsReading => _isReading;

    /// <summary>What the last read gave that was waited for to its end.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// True when the read has ended; false when the clock reaches <paramref name="until"/> before.
    /// </summary>
    /// <param name="buffer">That of the read under way, if one is; an empty one waits until there are bytes or the
    /// end.</param>
    /// <param name="until">A <see cref="TimeProvider.GetTimestamp"/>.</param>
    /// <exception cref="IOException">Reading failed.</exception>
    public ValueTask<bool> ReadAsync(Memory<byte> buffer, long until, CancellationToken cancellation)
    {
        var begins = !_isReading;
        if (begins)
        {
            var read = body.ReadAsync(buffer, cancellation);
            _read = read.ConfigureAwait(false).GetAwaiter();
            if (_read.IsCompleted)
            {
                Count = _read.GetResult();
                return ValueTask.FromResult(true);
            }

            _isReading = true;
        }

        lock (_gate)
        {
            _wait.Reset();
            _until = until;
            _isWaiting = !_hasRead;
            if (_isWaiting)
            {
                SetTimer_NeedsLock();
            }
            else
            {
                _wait.SetResult(true);
            }
        }

        // Taken first: once the read is watched, the wait may be over and another begun.
        var wait = new ValueTask<bool>(this, _wait.Version);
        if (begins)
        {
            _read.UnsafeOnCompleted(_onRead ??= OnRead);
        }

        return wait;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isWaiting = false;
            _timer?.Dispose();
        }
    }

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        var hasBytes = _wait.GetResult(token);
        if (hasBytes)
        {
            _isReading = false;
            _hasRead = false;
            Count = _read.GetResult();
        }

        return hasBytes;
    }

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void OnRead()
    {
        lock (_gate)
        {
            _hasRead = true;
            if (!_isWaiting)
            {
                return;
            }

            _isWaiting = false;
        }

        _wait.SetResult(true);
    }

    /// <summary>Not for each event: a timer that finds the silence not yet over sets itself again.</summary>
    private void OnTimer()
    {
        lock (_gate)
        {
            _isTimerSet = false;
            if (!_isWaiting)
            {
                return;
            }

            if (clock.GetTimestamp() < _until)
            {
                SetTimer_NeedsLock();
                return;
            }

            _isWaiting = false;
        }

        _wait.SetResult(false);
    }

    private void SetTimer_NeedsLock()
    {
        if (_isTimerSet && _timerIsSetTo <= _until)
        {
            return;
        }

        _isTimerSet = true;
        _timerIsSetTo = _until;
        var left = clock.GetElapsedTime(clock.GetTimestamp(), _until);
        left = left < TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds));
        _timer ??= clock.CreateTimer(
            static wait => ((QuietWait)wait!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(left, Timeout.InfiniteTimeSpan);
    }
}
