using System.Data;
using System.Data.Common;
using Microsoft.Data.Sqlite;
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
        RunAsync(
            async (connection, limit) =>
            {
                await using var command = CreateCommand(connection, null, sql, parameters);
                return await command.ExecuteNonQueryAsync(limit);
            },
            DefaultTimeout);

    /// <summary>Runs one statement and reads its first row; the default of <typeparamref name="T"/> when there is none.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<T?> FirstAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters) =>
        RunAsync(
            async (connection, limit) =>
            {
                await using var command = CreateCommand(connection, null, sql, parameters);
                await using var reader = await command.ExecuteReaderAsync(limit);
                return await reader.ReadAsync(limit) ? read(reader) : default;
            },
            DefaultTimeout);

    /// <summary>Runs one statement and reads all its rows.</summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<List<T>> AllAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters) =>
        RunAsync(
            async (connection, limit) =>
            {
                await using var command = CreateCommand(connection, null, sql, parameters);
                await using var reader = await command.ExecuteReaderAsync(limit);
                var rows = new List<T>();
                while (await reader.ReadAsync(limit))
                {
                    rows.Add(read(reader));
                }

                return rows;
            },
            DefaultTimeout);

    /// <summary>
    /// Runs <paramref name="work"/> in one transaction: committed when it returns, rolled back when it throws. It may run
    /// twice when the first connection turns out to be broken, so it must not have effects outside the transaction.
    /// </summary>
    /// <exception cref="StoreUnavailableException" />
    public Task<T> InTransactionAsync<T>(Func<DatabaseTransaction, Task<T>> work, TimeSpan? timeout = null) =>
        RunAsync(
            async (connection, limit) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.Unspecified, limit);
                var result = await work(new DatabaseTransaction(connection, transaction, limit));
                await transaction.CommitAsync(limit);
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

    internal static DbCommand CreateCommand(DbConnection connection, DbTransaction? transaction, string sql, object?[] parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statement is a constant of the calling store; values go into parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Transaction = transaction;
        for (var i = 0; i < parameters.Length; i++)
        {
            var parameter = command.CreateParameter();
            parameter.Value = parameters[i] ?? DBNull.Value;
            if (connection is SqliteConnection)
            {
                // To SQLite "$1" is a name; Npgsql takes $1 by position when the parameter has no name.
                parameter.ParameterName = "$" + (i + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
            }

            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>
    /// A pooled connection may have died with its server unnoticed; then the pool is emptied and the work tried once more
    /// on a fresh connection. A time limit that passed is not tried again: the caller has waited enough.
    /// </summary>
    private async Task<T> RunAsync<T>(Func<DbConnection, CancellationToken, Task<T>> work, TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        for (var isRetry = false; ; isRetry = true)
        {
            var isOpen = false;
            try
            {
                await using var connection = await source.OpenConnectionAsync(limit.Token);
                isOpen = true;
                return await work(connection, limit.Token);
            }
            catch (NpgsqlException e) when (isOpen && !isRetry && !limit.IsCancellationRequested && StoreErrors.IsBrokenConnection(e))
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
}

/// <summary>Statements inside <see cref="Database.InTransactionAsync"/>; they share its time limit.</summary>
internal sealed class DatabaseTransaction(DbConnection connection, DbTransaction transaction, CancellationToken limit)
{
    public bool IsPostgres => connection is NpgsqlConnection;

    public async Task<int> ExecuteAsync(string sql, params object?[] parameters)
    {
        await using var command = Database.CreateCommand(connection, transaction, sql, parameters);
        return await command.ExecuteNonQueryAsync(limit);
    }

    public async Task<T?> FirstAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters)
    {
        await using var command = Database.CreateCommand(connection, transaction, sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(limit);
        return await reader.ReadAsync(limit) ? read(reader) : default;
    }

    public async Task<List<T>> AllAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters)
    {
        await using var command = Database.CreateCommand(connection, transaction, sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(limit);
        var rows = new List<T>();
        while (await reader.ReadAsync(limit))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>Announces <paramref name="topic"/> to <see cref="StoreNotifications"/> of all replicas when the transaction commits.</summary>
    public async Task NotifyAsync(string topic)
    {
        if (IsPostgres)
        {
            await FirstAsync("SELECT pg_notify($1, $2)", static _ => true, StoreNotifications.Channel, topic);
        }
    }

    /// <summary>Runs the same statement once per row: one round trip on PostgreSQL.</summary>
    public async Task ExecuteManyAsync(string sql, IEnumerable<object?[]> rows)
    {
        if (connection is not NpgsqlConnection postgres)
        {
            foreach (var row in rows)
            {
                await ExecuteAsync(sql, row);
            }

            return;
        }

        await using var batch = new NpgsqlBatch(postgres, (NpgsqlTransaction)transaction);
        foreach (var row in rows)
        {
#pragma warning disable CA2100 // The statement is a constant of the calling store.
            var command = new NpgsqlBatchCommand(sql);
#pragma warning restore CA2100
            foreach (var value in row)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
            }

            batch.BatchCommands.Add(command);
        }

        if (batch.BatchCommands.Count > 0)
        {
            await batch.ExecuteNonQueryAsync(limit);
        }
    }
}
