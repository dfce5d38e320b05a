namespace ClaudeGateway.Spend;

/// <summary>
/// Fifty questions a second that the store is asked although the ledger could answer. They make a quiet gateway as exact as
/// if it asked for every request, and find a store that has fallen silent; under load they are lost among the rounds.
/// </summary>
internal sealed class QuestionBudget(TimeProvider clock)
{
    private const int PerSecond = 50;

    private readonly Lock _lock = new();
    private double _left = PerSecond;
    private long _updated = clock.GetTimestamp();

    public bool TryTake()
    {
        lock (_lock)
        {
            var now = clock.GetTimestamp();
            _left = Math.Min(PerSecond, _left + (clock.GetElapsedTime(_updated, now).TotalSeconds * PerSecond));
            _updated = now;
            if (_left < 1)
            {
                return false;
            }

            _left--;
            return true;
        }
    }
}
