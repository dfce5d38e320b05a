using ClaudeGateway.Logging;

namespace ClaudeGateway.Storage;

/// <summary>What /readyz says of the store: ready until <c>store.readiness_grace_seconds</c> after the first failed check (spec/newer.md, store).</summary>
internal sealed class StoreHealth(Database database, TimeSpan grace, TimeProvider clock, OperationalLog log)
{
    private readonly Lock _lock = new();
    private long? _failingSince;

    public async Task<bool> IsReadyAsync()
    {
        var answers = await database.AnswersAsync();
        lock (_lock)
        {
            if (answers)
            {
                if (_failingSince is { } since)
                {
                    log.Info($"store: answers again after {clock.GetElapsedTime(since).TotalSeconds:0} s");
                }

                _failingSince = null;
                return true;
            }

            if (_failingSince is null)
            {
                log.Error($"store: no answer; sign-in and spend limits depend on it{(grace > TimeSpan.Zero ? $"; /readyz stays ready for {grace.TotalSeconds:0} s" : "")}");
            }

            _failingSince ??= clock.GetTimestamp();
            return clock.GetElapsedTime(_failingSince.Value) < grace;
        }
    }
}
