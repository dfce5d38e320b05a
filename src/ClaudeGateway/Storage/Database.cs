using System.Data.Common;
using ClaudeGateway.Process;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>
/// The one way to the store, PostgreSQL or embedded SQLite, with one set of SQL that both understand: parameters are
/// <c>$1</c>, <c>$2</c>…, times are <c>bigint</c> milliseconds since the epoch, bytes are <c>bytea</c>, upserts are
/// <c>ON CONFLICT</c>, results of writes come from <c>RETURNING</c>. Every call ends within its time limit, so a silent
/// database makes a request fail after two seconds, not minutes.
/// </summary>
internal sealed class Database(DbDataSource source) : IAsyncDisposable
{
    /// <summary>Covers waiting for a pooled connection, connecting and the statement itself.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(2);

    public bool IsPostgres => source is NpgsqlDataSource;

    /// <summary>Runs one statement and returns the number of rows it changed.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<int> ExecuteAsync(string sql, params object?[] parameters) =>
        RunAsync(on => on.ExecuteAsync(sql, parameters), DefaultTimeout);

    /// <summary>Runs one statement and reads its first row; the default of <typeparamref name="T"/> when there is none.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<T?> FirstAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters) =>
        RunAsync(on => on.FirstAsync(sql, read, parameters), DefaultTimeout);

    /// <summary>Runs one statement and reads all its rows.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<List<T>> AllAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters) =>
        RunAsync(on => on.AllAsync(sql, read, parameters), DefaultTimeout);

    /// <summary>
    /// Runs <paramref name="work"/> in one transaction: committed when it returns, rolled back when it throws. It may run
    /// twice when the first connection turns out to be broken, so it must not have effects outside the transaction.
    /// </summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<T> InTransactionAsync<T>(Func<DatabaseTransaction, Task<T>> work, TimeSpan? timeout = null) =>
        RunAsync(
            async transaction =>
            {
                await using var begun = await transaction.BeginAsync();
                var result = await work(transaction);
                await begun.CommitAsync();
                return result;
            },
            timeout ?? DefaultTimeout);

    /// <summary>Opens a connection of the pool for a use of its own kind (LISTEN, COPY); the caller disposes it.</summary>
    public ValueTask<DbConnection> OpenConnectionAsync(CancellationToken cancellation) => source.OpenConnectionAsync(cancellation);

    /// <summary>Whether the store answers now.</summary>
    public async Task<bool> AnswersAsync()
    {
        try
        {
            await FirstAsync("SELECT 1", static row => row.GetInt32(0));
            return true;
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();

    /// <summary>
    /// A pooled connection may have died with its server unnoticed; then the pool is emptied and the work tried once more
    /// on a fresh connection. When the time is over the caller is told so at once; the connection ends by itself, by the
    /// time limit of its statement, because asking a silent server to cancel would wait for it again.
    /// </summary>
    private async Task<T> RunAsync<T>(Func<DatabaseTransaction, Task<T>> work, TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        for (var isRetry = false; ; isRetry = true)
        {
            try
            {
                return await OpenAndRunAsync(work, timeout, limit.Token).WaitAsync(limit.Token);
            }
            catch (NpgsqlException e) when (!isRetry && !limit.IsCancellationRequested && StoreErrors.IsBrokenConnection(e))
            {
                (source as NpgsqlDataSource)?.Clear();
            }
            catch (OperationCanceledException e) when (limit.IsCancellationRequested)
            {
                throw new StoreUnavailableException($"no answer within {timeout.TotalSeconds:0.#} s", e);
            }
            catch (DbException e) when (StoreErrors.IsUnavailable(e))
            {
                throw new StoreUnavailableException(StoreErrors.Describe(e), e);
            }
        }
    }

    private async Task<T> OpenAndRunAsync<T>(Func<DatabaseTransaction, Task<T>> work, TimeSpan timeout, CancellationToken limit)
    {
        if (!IsPostgres)
        {
            // SQLite blocks its thread while it works and while another writer does.
            await SocketThreads.LeaveAsync();
        }

        await using var connection = await source.OpenConnectionAsync(limit);
        return await work(new DatabaseTransaction(connection, timeout, limit));
    }
}
