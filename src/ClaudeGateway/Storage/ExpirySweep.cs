using ClaudeGateway.Logging;
using ClaudeGateway.Process;

namespace ClaudeGateway.Storage;

/// <summary>
/// Deletes expired rows once a minute, as the features that own the tables say. Every replica does; an expired row is
/// invisible to the stores anyway.
/// </summary>
/// <param name="statements">One repeatable DELETE each; <c>$1</c> is now, in milliseconds since the epoch.</param>
internal sealed class ExpirySweep(
    Database database, IReadOnlyList<string> statements, TimeProvider clock, OperationalLog log) : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private BackgroundLoop? _loop;

    public void Start() =>
        _loop = BackgroundLoop.Start(
            cancellation => Task.Delay(Period, clock, cancellation),
            SweepAsync,
            "store: expired rows stay for another minute",
            log);

    public ValueTask DisposeAsync() => _loop?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>One round over all tables. One that fails does not keep the others from theirs.</summary>
    /// <exception cref="StoreUnavailableException" />
    /// <exception cref="AggregateException">The store refused some of the statements.</exception>
    public async Task SweepAsync()
    {
        var refused = new List<Exception>();
        foreach (var statement in statements)
        {
            try
            {
                await database.ExecuteAsync(statement, clock.GetUtcNow().ToUnixTimeMilliseconds());
            }
            catch (System.Data.Common.DbException e)
            {
                refused.Add(e);
            }
        }

        if (refused.Count > 0)
        {
            throw new AggregateException(refused);
        }
    }
}
