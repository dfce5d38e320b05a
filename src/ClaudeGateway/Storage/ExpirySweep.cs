using ClaudeGateway.Logging;
using ClaudeGateway.Process;

namespace ClaudeGateway.Storage;

/// <summary>Rows of one table that are over by themselves.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Key">The columns of its primary key.</param>
/// <param name="Condition">Which rows are over; <c>$1</c> is now, in milliseconds since the epoch.</param>
/// <param name="Emptied">The column that is over and not the row; null when it is the whole row.</param>
internal sealed record ExpiringRows(string Table, string Key, string Condition, string? Emptied = null);

/// <summary>
/// Deletes or empties expired rows once a minute, as the features that own the tables say. Every replica does; an
/// expired row is invisible to the stores anyway.
/// </summary>
internal sealed class ExpirySweep(
    Database database, IReadOnlyList<ExpiringRows> expiring, TimeProvider clock, OperationalLog log) : IAsyncDisposable
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
        foreach (var rows in expiring)
        {
            try
            {
                await database.ExecuteAsync(Statement(rows), clock.GetUtcNow().ToUnixTimeMilliseconds());
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

    private string Statement(ExpiringRows rows) =>
        (rows.Emptied is null ? $"DELETE FROM {rows.Table} " : $"UPDATE {rows.Table} SET {rows.Emptied} = NULL ")
        + $"WHERE ({rows.Key}) IN "
        + $"(SELECT {rows.Key} FROM {rows.Table} WHERE {rows.Condition} {database.SkipLocked})";
}
