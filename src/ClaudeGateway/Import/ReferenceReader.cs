using System.Data.Common;
using ClaudeGateway.Process;
using ClaudeGateway.Storage;

namespace ClaudeGateway.Import;

/// <summary>
/// Statements on the source, all in one transaction that sees one moment and can write nothing.
/// </summary>
internal sealed class ReferenceReader(DbConnection connection, DbTransaction transaction, CancellationToken stop)
{
    /// <summary>Longer than any statement here takes; a source that fell silent ends the import by then.</summary>
    private const int StatementSeconds = 600;

    /// <exception cref="OperatorException">
    /// The source cannot be reached or read, or is not what was expected.
    /// </exception>
    public static async Task<T> ReadAsync<T>(
        PostgresDataSource source, Func<ReferenceReader, Task<T>> work, CancellationToken stop)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(stop);
            await using var transaction = await connection.BeginTransactionAsync(
                System.Data.IsolationLevel.RepeatableRead, stop);
            var reader = new ReferenceReader(connection, transaction, stop);
            await reader.FirstAsync("SELECT set_config('transaction_read_only', 'on', true)", static _ => true);
            return await work(reader);
        }
        catch (Exception e) when (e is DbException or TimeoutException)
        {
            throw new OperatorException($"the source cannot be read: {StoreErrors.Describe(e)}", e);
        }
        catch (Exception e) when (e is InvalidCastException or OverflowException or FormatException)
        {
            throw new OperatorException(
                $"the source holds a value of another kind than Anthropic's gateway writes: {e.Message}", e);
        }
    }

    public async Task<T?> FirstAsync<T>(string sql, Func<DbDataReader, T> read)
    {
        var rows = await AllAsync(sql, read);
        return rows.Count == 0 ? default : rows[0];
    }

    public async Task<List<T>> AllAsync<T>(string sql, Func<DbDataReader, T> read)
    {
        var rows = new List<T>();
        await EachAsync(sql, row => rows.Add(read(row)));
        return rows;
    }

    /// <summary>Reads rows as they come, without keeping them.</summary>
    public async Task EachAsync(string sql, Action<DbDataReader> read)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this room, and names of columns in quotes.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Transaction = transaction;
        command.CommandTimeout = StatementSeconds;
        await using var row = await command.ExecuteReaderAsync(stop);
        while (await row.ReadAsync(stop))
        {
            read(row);
        }
    }
}
