using ClaudeGateway.Logging;

namespace ClaudeGateway.Storage;

/// <summary>
/// What /readyz says of the store: ready until <c>store.readiness_grace_seconds</c> after the first failed check
/// (spec/newer.md, store). A store that can only be read fails it too: nobody can sign in.
/// </summary>
internal sealed class StoreHealth(Database database, TimeSpan grace, TimeProvider clock, OperationalLog log)
{
    /// <summary>Protects <see cref="_failingSince"/>, and that a change of it is logged once.</summary>
    private readonly Lock _lock = new();
    private long? _failingSince;

    /// <summary>What /readyz answers instead of "ready"; null while it is.</summary>
    public async Task<string?> ObstacleAsync()
    {
        var obstacle = await database.ObstacleAsync();
        lock (_lock)
        {
            if (obstacle is null)
            {
                if (_failingSince is { } since)
                {
                    log.Info($"store: answers again after {clock.GetElapsedTime(since).TotalSeconds:0} s");
                }

                _failingSince = null;
                return null;
            }

            if (_failingSince is null)
            {
                var still = grace > TimeSpan.Zero ? $"; /readyz stays ready for {grace.TotalSeconds:0} s" : "";
                log.Error($"store: {obstacle}; sign-in and spend limits depend on it{still}");
            }

            _failingSince ??= clock.GetTimestamp();
            return clock.GetElapsedTime(_failingSince.Value) < grace ? null
                : obstacle == Database.ReadOnly ? "read-only"
                : "store unavailable";
        }
    }
}
