namespace ClaudeGateway.Telemetry;

/// <summary>
/// Stops asking a destination for 30 seconds after five failures in a row; the first answer afterwards decides again.
/// Not thread-safe: its owner locks.
/// </summary>
internal sealed class Breaker(TimeProvider clock)
{
    public const int Threshold = 5;

    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private int _failures;
    private DateTimeOffset _openUntil = DateTimeOffset.MinValue;

    /// <summary>How long nothing may be sent yet; zero when sending is allowed.</summary>
    public TimeSpan Remaining => _openUntil - clock.GetUtcNow() is { Ticks: > 0 } remaining ? remaining : TimeSpan.Zero;

    /// <summary>
    /// Whether the last pause is over and nobody knows yet if the destination works again: one send finds out.
    /// </summary>
    public bool IsProbing => _failures >= Threshold;

    public void Succeeded() => _failures = 0;

    /// <returns>Whether this failure opened the breaker.</returns>
    public bool Failed()
    {
        _failures++;
        if (_failures < Threshold || Remaining > TimeSpan.Zero)
        {
            return false;
        }

        _openUntil = clock.GetUtcNow() + Pause;
        return true;
    }
}
