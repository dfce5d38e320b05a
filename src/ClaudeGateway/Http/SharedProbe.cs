using ClaudeGateway.Process;

namespace ClaudeGateway.Http;

/// <summary>
/// A check of something outside the process that anybody may ask for: one is under way at a time, ten begin in a second
/// at most, and whoever asks meanwhile gets the last one's answer. So no flood of questions reaches what is checked.
/// </summary>
internal sealed class SharedProbe(Func<Task<string?>> probe, TimeProvider clock)
{
    /// <summary>
    /// How old an answer may be, counted from when its question began. Short, because a grace such as
    /// <c>store.readiness_grace_seconds</c> begins with the first failure that is seen.
    /// </summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(100);

    /// <summary>Guards <see cref="_current"/> and <see cref="_begunAt"/>.</summary>
    private readonly Lock _lock = new();
    private Task<string?>? _current;
    private long _begunAt;

    /// <summary>What is wrong, null for nothing; what the check throws is thrown to everybody who shares it.</summary>
    public Task<string?> AskAsync()
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

    private async Task<string?> BeginAsync()
    {
        // The check may block before its first wait: not with the lock held.
        await SocketThreads.LeaveAsync();
        return await probe();
    }
}
