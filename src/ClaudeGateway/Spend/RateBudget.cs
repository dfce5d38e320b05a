namespace ClaudeGateway.Spend;

/// <summary>
/// So many a second, and a few at once after a quiet time. A virtual schedule without a lock: each taker gets the next
/// place in it, and may be early by the length of a burst.
/// </summary>
internal sealed class RateBudget(int perSecond, int burst, TimeProvider clock)
{
    private readonly long _interval = clock.TimestampFrequency / perSecond;
    private long _next = clock.GetTimestamp();

    public bool TryTake()
    {
        var now = clock.GetTimestamp();
        var next = Interlocked.Read(ref _next);
        return next - now <= _interval * burst
            && Interlocked.CompareExchange(ref _next, Math.Max(next, now) + _interval, next) == next;
    }
}
