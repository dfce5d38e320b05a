using System.Data.Common;
using ClaudeGateway.Process;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>
/// The one way to the store, PostgreSQL or embedded SQLite, with one set of SQL that both understand: parameters are
/// <c>$1</c>, <c>$2</c>…, times are <c>bigint</c> milliseconds since the epoch, bytes are <c>bytea</c>, upserts are
/// <c>ON CONFLICT</c>, results of writes come from <c>RETURNING</c>. Every call ends within its time limit, so a silent
/// database makes a request fail after two seconds, not minutes.
///
/// Which method a statement goes through says what a lost connection may do to it. <see cref="ExecuteAsync"/>,
/// <see cref="FirstAsync"/>, <see cref="AllAsync"/> and <see cref="InRepeatableTransactionAsync"/> are for what may run
/// twice: queries, and writes that say what shall be (not what shall be added or taken). The ones with <c>Once</c>, and
/// <see cref="InTransactionAsync"/>, are for everything else: they take effect once or not at all, and whoever is told
/// <see cref="StoreUnavailableException"/> may rely on "not at all", unless it is a
/// <see cref="StoreOutcomeUnknownException"/>.
/// </summary>
internal sealed class Database(DbDataSource source, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>
    /// What <see cref="ObstacleAsync"/> says of a store that answers and refuses writes, as a standby does.
    /// </summary>
    public const string ReadOnly = "it can only be read";

    /// <summary>Covers waiting for a pooled connection, connecting and the statement itself.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long past its time limit a COMMIT that is on its way is waited for: only its end tells what holds.
    /// </summary>
    private static readonly TimeSpan CommitPatience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Lets what writes to the embedded store in one by one, in the order they came. SQLite has one writer, and its own
    /// way of waiting is to sleep and ask again: whoever asks at the right moment wins, and an unlucky one finds no
    /// turn within its time.
    /// </summary>
    private readonly SemaphoreSlim _writer = new(1);

    public bool IsPostgres => source is PostgresDataSource;

    /// <summary>
    /// Runs one repeatable statement and returns the number of rows it changed. It may run twice, and may take effect
    /// after the caller was told that the store is unavailable.
    /// </summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<int> ExecuteAsync(string sql, params object?[] parameters) =>
        RunAsync(
            (on, limit) => InTurnAsync(() => on.ExecuteAsync(sql, parameters), limit),
            isRepeatable: true,
            DefaultTimeout);

    /// <summary>
    /// Runs one repeatable statement, as <see cref="ExecuteAsync"/> does, and reads its first row; the default of
    /// <typeparamref name="T"/> when there is none.
    /// </summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<T?> FirstAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters) =>
        RunAsync((on, _) => on.FirstAsync(sql, read, parameters), isRepeatable: true, DefaultTimeout);

    /// <summary>Runs one repeatable statement, as <see cref="ExecuteAsync"/> does, and reads all its rows.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<List<T>> AllAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters) =>
        RunAsync((on, _) => on.AllAsync(sql, read, parameters), isRepeatable: true, DefaultTimeout);

    /// <summary>
    /// Runs one statement that must not take effect twice, or late, and returns the number of rows it changed.
    /// </summary>
    /// <exception cref="StoreUnavailableException">It has no effect and will have none.</exception>
    /// <exception cref="StoreOutcomeUnknownException">It has its effect or none.</exception>
    public Task<int> ExecuteOnceAsync(string sql, params object?[] parameters) =>
        InTransactionAsync(on => on.ExecuteAsync(sql, parameters));

    /// <summary>
    /// Runs one statement that must not take effect twice, or late, and reads its first row; the default of
    /// <typeparamref name="T"/> when there is none.
    /// </summary>
    /// <exception cref="StoreUnavailableException">It has no effect and will have none.</exception>
    /// <exception cref="StoreOutcomeUnknownException">It has its effect or none.</exception>
    public Task<T?> FirstOnceAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters) =>
        InTransactionAsync(on => on.FirstAsync(sql, read, parameters));

    /// <summary>Runs one statement that must not take effect twice, or late, and reads all its rows.</summary>
    /// <exception cref="StoreUnavailableException">It has no effect and will have none.</exception>
    /// <exception cref="StoreOutcomeUnknownException">It has its effect or none.</exception>
    public Task<List<T>> AllOnceAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters) =>
        InTransactionAsync(on => on.AllAsync(sql, read, parameters));

    /// <summary>
    /// Runs <paramref name="work"/> in one transaction: committed when it returns, rolled back when it throws. It may
    /// begin again when the first connection turns out to be broken before COMMIT, so it must not have effects outside
    /// the transaction; once COMMIT has been sent it is not repeated.
    /// </summary>
    /// <exception cref="StoreUnavailableException">It has no effect and will have none.</exception>
    /// <exception cref="StoreOutcomeUnknownException">All of it holds, or nothing.</exception>
    public Task<T> InTransactionAsync<T>(Func<DatabaseTransaction, Task<T>> work, TimeSpan? timeout = null) =>
        RunAsync(
            (on, limit) => InTurnAsync(() => CommitAsync(on, work), limit),
            isRepeatable: false,
            timeout ?? DefaultTimeout);

    /// <summary>
    /// As <see cref="InTransactionAsync"/>, for work that may take effect twice: it is also repeated when nobody knows
    /// whether its COMMIT held.
    /// </summary>
    /// <exception cref="StoreUnavailableException">It has no effect and will have none.</exception>
    /// <exception cref="StoreOutcomeUnknownException">All of it holds, or nothing.</exception>
    public Task<T> InRepeatableTransactionAsync<T>(Func<DatabaseTransaction, Task<T>> work, TimeSpan? timeout = null) =>
        RunAsync(
            (on, limit) => InTurnAsync(() => CommitAsync(on, work), limit),
            isRepeatable: true,
            timeout ?? DefaultTimeout);

    /// <summary>
    /// Ends a SELECT of the rows that a statement is to change: those that another replica is changing at this moment
    /// are left to it, so that nobody waits for anybody's rows, and never in a circle.
    /// </summary>
    public string SkipLocked => IsPostgres ? "FOR UPDATE SKIP LOCKED" : "";

    /// <summary>
    /// Opens a connection of the pool for a use of its own kind (COPY); the caller disposes it.
    /// </summary>
    public ValueTask<DbConnection> OpenConnectionAsync(CancellationToken cancellation) =>
        source.OpenConnectionAsync(cancellation);

    /// <summary>Opens a connection of PostgreSQL beside the pool (LISTEN); the caller disposes it.</summary>
    public Task<NpgsqlConnection> OpenSessionAsync(string applicationName, CancellationToken cancellation) =>
        ((PostgresDataSource)source).OpenSessionAsync(applicationName, cancellation);

    /// <summary>
    /// Why the store cannot be used now, as an operator reads it; null when it answers and can be written.
    /// </summary>
    public async Task<string?> ObstacleAsync()
    {
        try
        {
            if (!IsPostgres)
            {
                // Taking the lock of writers is what a database that can only be read refuses; nothing is written.
                await InRepeatableTransactionAsync(on => on.FirstAsync("SELECT 1", static row => row.GetInt32(0)));
                return null;
            }

            if (await CanWriteAsync())
            {
                return null;
            }

            // A session keeps what its database or role said when it began: only a new one knows what they say now.
            ClearPool();
            return await CanWriteAsync() ? null : ReadOnly;
        }
        catch (StoreUnavailableException e)
        {
            return e.InnerException is DbException cause && StoreErrors.IsReadOnly(cause) ? ReadOnly : e.Message;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await source.DisposeAsync();
        _writer.Dispose();
    }

    private Task<bool> CanWriteAsync() =>
        FirstAsync("SELECT current_setting('transaction_read_only') = 'off'", static row => row.GetBoolean(0));

    private async Task<T> InTurnAsync<T>(Func<Task<T>> write, CancellationToken limit)
    {
        if (IsPostgres)
        {
            return await write();
        }

        await _writer.WaitAsync(limit);
        try
        {
            return await write();
        }
        finally
        {
            _writer.Release();
        }
    }

    private static async Task<T> CommitAsync<T>(
        DatabaseTransaction transaction, Func<DatabaseTransaction, Task<T>> work)
    {
        await using var begun = await transaction.BeginAsync();
        var result = await work(transaction);
        await transaction.CommitAsync();
        return result;
    }

    /// <summary>
    /// A pooled connection may have died with its server unnoticed, or be able to read only since a time when the whole
    /// store was; then the pool is emptied and the work tried once more on a fresh connection.
    /// </summary>
    private async Task<T> RunAsync<T>(
        Func<DatabaseTransaction, CancellationToken, Task<T>> work, bool isRepeatable, TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout, clock);
        var mayHold = false;
        for (var isRetry = false; ; isRetry = true)
        {
            var attempt = new DatabaseAttempt(limit.Token);
            try
            {
                return await WithinLimitAsync(OpenAndRunAsync(work, timeout, attempt), attempt, timeout);
            }
            catch (DbException e) when (attempt.IsCommitting && StoreErrors.LeavesCommitOpen(e)
                && !(isRepeatable && !isRetry && StoreErrors.IsStaleConnection(e) && !limit.IsCancellationRequested))
            {
                throw new StoreOutcomeUnknownException(StoreErrors.Describe(e), e);
            }
            catch (Exception e) when (mayHold && (e is StoreUnavailableException
                || (e is DbException failure && StoreErrors.IsUnavailable(failure))))
            {
                // The first attempt's COMMIT was never confirmed, and the second told nothing.
                ClearPool();
                throw new StoreOutcomeUnknownException(
                    e is DbException again ? StoreErrors.Describe(again) : e.Message, e);
            }
            catch (DbException e) when (StoreErrors.IsStaleConnection(e))
            {
                // Also the second time: the next caller shall not get such a connection either.
                ClearPool();
                mayHold = attempt.IsCommitting && StoreErrors.LeavesCommitOpen(e);
                if (isRetry || limit.IsCancellationRequested)
                {
                    throw new StoreUnavailableException(StoreErrors.Describe(e), e);
                }
            }
            catch (DbException e) when (StoreErrors.IsUnavailable(e))
            {
                throw new StoreUnavailableException(StoreErrors.Describe(e), e);
            }
        }
    }

    /// <summary>
    /// When the time is over the caller is told so at once, unless COMMIT is on its way. The connection ends by itself,
    /// by the time limit of its statement, because asking a silent server to cancel would wait for it again; a
    /// transaction that was given up commits nothing however late its statement ends.
    /// </summary>
    private async Task<T> WithinLimitAsync<T>(Task<T> running, DatabaseAttempt attempt, TimeSpan timeout)
    {
        try
        {
            return await running.WaitAsync(attempt.Limit);
        }
        catch (OperationCanceledException e) when (attempt.Limit.IsCancellationRequested)
        {
            if (attempt.TryGiveUp())
            {
                Observe(running);
                if (attempt.IsConnected && IsPostgres)
                {
                    // A server that lost its power leaves every connection of the pool as silent as this one.
                    ClearPool();
                }

                var reason = attempt.IsConnected ? null : (source as PostgresDataSource)?.Waiting;
                throw new StoreUnavailableException(
                    $"no answer within {timeout.TotalSeconds:0.#} s{(reason is null ? "" : $" ({reason})")}", e);
            }
        }

        try
        {
            return await running.WaitAsync(CommitPatience, clock);
        }
        catch (TimeoutException e)
        {
            Observe(running);
            var waited = timeout + CommitPatience;
            throw new StoreOutcomeUnknownException($"no confirmation within {waited.TotalSeconds:0.#} s", e);
        }
    }

    private async Task<T> OpenAndRunAsync<T>(
        Func<DatabaseTransaction, CancellationToken, Task<T>> work, TimeSpan timeout, DatabaseAttempt attempt)
    {
        if (!IsPostgres)
        {
            // SQLite blocks its thread while it works and while another writer does.
            await SocketThreads.LeaveAsync();
        }

        await using var connection = await source.OpenConnectionAsync(attempt.Limit);
        attempt.IsConnected = true;
        return await work(new DatabaseTransaction(connection, timeout, attempt), attempt.Limit);
    }

    /// <summary>What an abandoned statement fails of interests nobody any more; its caller has been told.</summary>
    private static void Observe(Task abandoned) =>
        _ = abandoned.ContinueWith(
            static task => task.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);

    /// <summary>Connections in use are thrown away when they come back.</summary>
    private void ClearPool()
    {
        switch (source)
        {
            case PostgresDataSource postgres:
                postgres.Clear();
                break;
            case SqliteDataSource sqlite:
                sqlite.Clear();
                break;
        }
    }
}
