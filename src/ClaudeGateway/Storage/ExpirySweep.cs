using ClaudeGateway.Logging;

namespace ClaudeGateway.Storage;

/// <summary>Deletes expired rows once a minute. Every replica does; an expired row is invisible to the stores anyway.</summary>
internal sealed class ExpirySweep(Database database, TimeProvider clock, OperationalLog log) : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private static readonly string[] Statements =
    [
        "DELETE FROM gw_sign_in_attempt WHERE expires_at < $1",
        "DELETE FROM gw_device_grant WHERE expires_at < $1",
        "DELETE FROM gw_rate_limit WHERE expires_at < $1",
        "DELETE FROM gw_revocation WHERE expires_at < $1",
        // Machines unseen for 30 days.
        "DELETE FROM gw_machine WHERE seen_at < $1 - 2592000000",
    ];

    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public void Start() => _loop = LoopAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    /// <summary>One round over all tables.</summary>
    public async Task SweepAsync()
    {
        foreach (var statement in Statements)
        {
            await database.ExecuteAsync(statement, clock.GetUtcNow().ToUnixTimeMilliseconds());
        }
    }

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(Period, clock, _stop.Token);
                try
                {
                    await SweepAsync();
                }
                catch (StoreUnavailableException e)
                {
                    log.Debug($"store: expired rows stay for another minute: {e.Message}");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The gateway stops.
        }
    }
}
