namespace ClaudeGateway.Http;

/// <summary>
/// A check of something outside the process that anybody may ask for: at most one begins per second and one is under
/// way, and whoever asks meanwhile gets its answer. So a flood of questions is one question a second.
/// </summary>
internal sealed class SharedProbe(Func<Task<bool>> probe, TimeProvider clock)
{
    /// <summary>How old an answer may be, counted from when its question began.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    /// <summary>Guards <see cref="_current"/> and <see cref="_begunAt"/>.</summary>
    private readonly Lock _lock = new();
    private Task<bool>? _current;
    private long _begunAt;

    /// <summary>The answer; what the check throws is thrown to everybody who shares it.</summary>
    public Task<bool> AskAsync()
    {
        lock (_lock)
        {
            if (_current is null || (_current.IsCompleted && clock.GetElapsedTime(_begunAt) >= MaxAge))
            {
                _begunAt = clock.GetTimestamp();
                _current = BeginAsync();
            }

            return _current;
        }
    }

    private async Task<bool> BeginAsync()
    {
        // The check may block before its first wait: not with the lock held.
        await SocketThreads.LeaveAsync();
        return await probe();
    }
}
