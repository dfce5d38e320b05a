using System.Runtime.CompilerServices;
using ClaudeGateway.Storage;
using Microsoft.Data.Sqlite;

namespace ClaudeGateway.IntegrationTests.Upgrade;

/// <summary>
/// SQLite's own backup, as the command <c>.backup</c> takes it: a whole file, whatever the journal holds.
/// </summary>
internal static class SqliteBackup
{
    /// <summary>The source says which library SQLite is.</summary>
    static SqliteBackup() => RuntimeHelpers.RunClassConstructor(typeof(SqliteDataSource).TypeHandle);

    public static async Task<SqliteConnection> OpenAsync(string path)
    {
        var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        await connection.OpenAsync();
        return connection;
    }

    public static async Task CopyAsync(string from, string to)
    {
        await using var source = await OpenAsync(from);
        await using var target = await OpenAsync(to);
        source.BackupDatabase(target);
    }
}
