using System.Data;
using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ClaudeGateway.Storage;

/// <summary>Statements on one connection, in one transaction inside <see cref="Database.InTransactionAsync"/>; they share its time limit.</summary>
internal sealed class DatabaseTransaction(DbConnection connection, TimeSpan timeout, CancellationToken limit)
{
    private DbTransaction? _transaction;

    public bool IsPostgres => connection is NpgsqlConnection;

    public async Task<DbTransaction> BeginAsync() =>
        _transaction = await connection.BeginTransactionAsync(IsolationLevel.Unspecified, CancellationToken.None);

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

    /// <summary>Announces <paramref name="topic"/> to <see cref="ReplicaChannel"/> of all replicas when the transaction commits.</summary>
    public async Task NotifyAsync(string topic)
    {
        if (IsPostgres)
        {
            await FirstAsync("SELECT pg_notify($1, $2)", static _ => true, ReplicaChannel.Name, topic);
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

        limit.ThrowIfCancellationRequested();
        await using var batch = new NpgsqlBatch(postgres, (NpgsqlTransaction?)_transaction) { Timeout = Seconds(timeout) };
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
            await batch.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    private DbCommand CreateCommand(string sql, object?[] parameters)
    {
        // The caller has been told that time is over: nothing more may happen in its name.
        limit.ThrowIfCancellationRequested();
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statement is a constant of the calling store; values go into parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.CommandTimeout = Seconds(timeout);
        command.Transaction = _transaction;
        for (var i = 0; i < parameters.Length; i++)
        {
            var parameter = command.CreateParameter();
            parameter.Value = parameters[i] ?? DBNull.Value;
            if (connection is SqliteConnection)
            {
                // To SQLite "$1" is a name; Npgsql takes $1 by position when the parameter has no name.
                parameter.ParameterName = "$" + (i + 1).ToString(CultureInfo.InvariantCulture);
            }

            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static int Seconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));
}
