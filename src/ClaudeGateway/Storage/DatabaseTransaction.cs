using System.Data;
using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>
/// Statements on one connection, in one transaction inside <see cref="Database.InTransactionAsync"/>; they share its
/// time limit.
/// </summary>
internal sealed class DatabaseTransaction(DbConnection connection, TimeSpan timeout, DatabaseAttempt attempt)
{
    private DbTransaction? _transaction;

    public bool IsPostgres => connection is NpgsqlConnection;

    public async Task<DbTransaction> BeginAsync() =>
        _transaction = await connection.BeginTransactionAsync(IsolationLevel.Unspecified, CancellationToken.None);

    /// <exception cref="OperationCanceledException">Time is over and the caller knows: nothing was
    /// committed.</exception>
    public async Task CommitAsync()
    {
        attempt.BeginCommit();
        await _transaction!.CommitAsync(CancellationToken.None);
    }

    public async Task<int> ExecuteAsync(string sql, params object?[] parameters)
    {
        await using var command = CreateCommand(sql, parameters);
        return await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    public async Task<T?> FirstAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters)
    {
        await using var command = CreateCommand(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        return await reader.ReadAsync(CancellationToken.None) ? read(reader) : default;
    }

    public async Task<List<T>> AllAsync<T>(string sql, Func<DbDataReader, T> read, params object?[] parameters)
    {
        await using var command = CreateCommand(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var rows = new List<T>();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>
    /// Sends <paramref name="message"/> to <see cref="ReplicaChannel"/> of all replicas when the transaction commits.
    /// </summary>
    public async Task NotifyAsync(ReplicaMessage message)
    {
        if (IsPostgres)
        {
            await FirstAsync("SELECT pg_notify($1, $2)", static _ => true, ReplicaMessage.Channel, message.ToString());
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

        attempt.ThrowIfOver();
        await using var batch = new NpgsqlBatch(postgres, (NpgsqlTransaction?)_transaction)
        {
            Timeout = Seconds(timeout),
        };
        foreach (var row in rows)
        {
#pragma warning disable CA2100 // The statement is a constant of the calling store.
            var command = new NpgsqlBatchCommand(sql);
#pragma warning restore CA2100
            foreach (var value in row)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = Storable(value) });
            }

            batch.BatchCommands.Add(command);
        }

        if (batch.BatchCommands.Count > 0)
        {
            await batch.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    private DbCommand CreateCommand(string sql, object?[] parameters)
    {
        attempt.ThrowIfOver();
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statement is a constant of the calling store; values go into parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.CommandTimeout = Seconds(timeout);
        command.Transaction = _transaction;
        for (var i = 0; i < parameters.Length; i++)
        {
            var parameter = command.CreateParameter();
            parameter.Value = Storable(parameters[i]);
            if (connection is SqliteConnection)
            {
                // To SQLite "$1" is a name; Npgsql takes $1 by position when the parameter has no name.
                parameter.ParameterName = "$" + (i + 1).ToString(CultureInfo.InvariantCulture);
            }

            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>
    /// Text from anywhere may be a parameter: what no store takes is replaced here for all statements, so that it finds
    /// nothing, or is kept as it can be, and never fails a request.
    /// </summary>
    private static object Storable(object? value) => value switch
    {
        null => DBNull.Value,
        string text => StoredText.Of(text),
        string?[] texts => Array.ConvertAll(texts, static text => text is null ? null : StoredText.Of(text)),
        _ => value,
    };

    private static int Seconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));
}
