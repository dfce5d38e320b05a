using ClaudeGateway.Logging;
using ClaudeGateway.Process;

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

    private BackgroundLoop? _loop;

    public void Start() => _loop = BackgroundLoop.Start(cancellation => Task.Delay(Period, clock, cancellation), SweepAsync, "store: expired rows stay for another minute", log);

    public ValueTask DisposeAsync() => _loop?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>One round over all tables.</summary>
    public async Task SweepAsync()
    {
        foreach (var statement in Statements)
        {
            await database.ExecuteAsync(statement, clock.GetUtcNow().ToUnixTimeMilliseconds());
        }
    }
}
