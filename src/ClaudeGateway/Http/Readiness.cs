namespace ClaudeGateway.Http;

/// <summary>
/// Whether this replica should get requests: not while its store is away, and not once it is stopping.
/// </summary>
internal sealed class Readiness(Func<Task<string?>> storeObstacle)
{
    private int _isStopping;

    /// <summary>From now on the answer is no. True for the first call.</summary>
    public bool TryStop() => Interlocked.Exchange(ref _isStopping, 1) == 0;

    /// <summary>What keeps requests away; null when nothing does.</summary>
    public async Task<string?> ObstacleAsync() =>
        Volatile.Read(ref _isStopping) == 1 ? "stopping" : await storeObstacle();
}
